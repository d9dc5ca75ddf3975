// Signals taken kSideBySide at a time, for recurrences in time that run as vectors across signals.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <type_traits>
#include <vector>

#include "kernels/native/signal_table.h"

namespace eegtorch {

// The loops for the instructions that kernels/dispatch.h chose.
const kernels::SignalTable& signalTable();

// Some of a contiguous (rows, samples) array.
template <class Number>
class SideBySide {
 public:
  static constexpr size_t kMost = kernels::kSideBySide;

  SideBySide(Number* first, size_t count, int64_t samples) : count_(count) {
    for (size_t s = 0; s < count; s++) rows_[s] = first + static_cast<int64_t>(s) * samples;
  }

  size_t count() const { return count_; }
  const Number* row(size_t s) const { return rows_[s]; }

  // Samples start, start + step, ... -> tile (samples, kMost), and back.
  void gather(int64_t start, ptrdiff_t step, size_t samples, double* tile) const {
    std::array<const Number*, kMost> from;
    for (size_t s = 0; s < count_; s++) from[s] = rows_[s] + start;
    if constexpr (std::is_same_v<std::remove_const_t<Number>, double>)
      signalTable().gather(from.data(), count_, step, samples, tile);
    else
      signalTable().gather_float(from.data(), count_, step, samples, tile);
  }

  void scatter(const double* tile, int64_t start, ptrdiff_t step, size_t samples) const {
    std::array<Number*, kMost> to;
    for (size_t s = 0; s < count_; s++) to[s] = rows_[s] + start;
    if constexpr (std::is_same_v<Number, double>)
      signalTable().scatter(tile, count_, step, samples, to.data());
    else
      signalTable().scatter_float(tile, count_, step, samples, to.data());
  }

 private:
  std::array<Number*, kMost> rows_;
  size_t count_;
};

// body(first row, rows) for all groups of at most kSideBySide rows, in parallel.
template <class Body>
void forEachGroup(int64_t rows, const Body& body) {
  constexpr auto most = static_cast<int64_t>(kernels::kSideBySide);
  at::parallel_for(0, (rows + most - 1) / most, 1, [&](int64_t from, int64_t to) {
    for (int64_t group = from; group < to; group++) body(group * most, std::min(most, rows - group * most));
  });
}

// Runs body<float> or body<double> on contiguous CPU tensors: body.operator()<Number>().
template <class Body>
void withNumber(const at::Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat)
    body.template operator()<float>();
  else
    body.template operator()<double>();
}

}  // namespace eegtorch
