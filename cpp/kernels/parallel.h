// Splitting work so that sums come out the same on every run, and on any number of threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

namespace eegtorch::kernels {

// `items` cut into at most `most` pieces whose borders do not depend on the number of threads.
class Pieces {
 public:
  explicit Pieces(int64_t items, int64_t most = 32) : items_(items), count_(std::min(items, most)) {}

  int64_t count() const { return count_; }

  // body(piece, first item, one past the last), pieces in parallel.
  template <class Body>
  void run(const Body& body) const {
    at::parallel_for(0, count_, 1, [&](int64_t from, int64_t to) {
      for (int64_t piece = from; piece < to; piece++)
        body(piece, items_ * piece / count_, items_ * (piece + 1) / count_);
    });
  }

 private:
  int64_t items_, count_;
};

// One array of sums for each piece, added up in order.
template <class Number>
class PartialSums {
 public:
  PartialSums(const Pieces& pieces, size_t size) : size_(size), sums_(pieces.count() * size) {}

  Number* of(int64_t piece) { return sums_.data() + piece * size_; }

  std::vector<double> total() const {
    std::vector<double> total(size_);
    for (size_t i = 0; i < sums_.size(); i++) total[i % size_] += static_cast<double>(sums_[i]);
    return total;
  }

 private:
  size_t size_;
  std::vector<Number> sums_;
};

}  // namespace eegtorch::kernels
