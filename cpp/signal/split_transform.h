// Fourier transforms of long signals whose length has small factors. As a whole, one of hundreds of thousands of
// samples runs out of the cache; as two rounds of short ones (Cooley and Tukey), eight beside each other, it stays
// inside and its numbers are vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/native/fourier_table.h"

namespace eegtorch {

// The loops for the instructions that kernels/dispatch.h chose.
const kernels::FourierTable& fourierTable();

// Working memory that is kept from one call to the next, since the system clears what it gives.
class Scratch {
 public:
  static constexpr size_t kOwn = 4;  // slots below it belong to transforms

  // Room for as many doubles, with any values; the former contents of this slot are lost.
  double* doubles(size_t slot, int64_t count);

 private:
  std::vector<at::Tensor> slots_;
};

// Transforms of kTogether signals at once, each of n points that stay in the cache.
class ShortTransforms {
 public:
  explicit ShortTransforms(int64_t n);

  // tile, other: (points, kPoint). The one that holds the result, which the other's numbers are lost for.
  double* operator()(double* tile, double* other) const;

 private:
  struct Stage {
    int64_t radix, parts, span;
    std::vector<double> turns, roots;
  };

  std::vector<Stage> stages_;
};

// Sample a * second + b, frequency c + d * first: over a for each b, turned by b c, then over b for each c. Several
// threads may call one at once, each with a scratch of its own.
class SplitTransform {
 public:
  // Whether n is a product of small primes, and of two factors that fill vectors.
  static bool splits(int64_t n);

  // n: a length that splits.
  explicit SplitTransform(int64_t n);

  // x (n) interleaved becomes its transform, or its inverse, with 1 / n.
  void operator()(double* x, bool inverse, Scratch& scratch) const;

  // multiply(c, tile) for frequencies c .. c + kTogether - 1 and those that follow at distances of `first()`, a point
  // for each distance: replaces them by what comes of them, real and imaginary parts exchanged.
  using Multiply = std::function<void(int64_t c, double* tile)>;

  // re + i im, n samples each, become what `multiply` makes of their transform, transformed back, times n. A real
  // response leaves real signals real, so they may be two. They are first() rows of second() samples, `row` apart.
  void convolve(double* re, double* im, int64_t row, const Multiply& multiply, Scratch& scratch) const;

  // A distance of rows, second() or more, at which they do not share places in the cache.
  int64_t distance() const;

  int64_t first() const { return first_; }
  int64_t second() const { return second_; }

  // The tiles of all c, one after the other, of a spectrum (n) interleaved; and what multiplies by them.
  std::vector<double> arranged(const double* spectrum) const;
  Multiply product(const std::vector<double>& tiles) const;

 private:
  void columns(double* re, double* im, int64_t row, bool back, Scratch& scratch) const;
  void rows(double* re, double* im, int64_t row, const Multiply& multiply, Scratch& scratch) const;
  const double* own(int64_t b) const { return own_.data() + b / static_cast<int64_t>(kernels::kTogether) * 2 * first_; }
  std::pair<double*, double*> tiles(Scratch& scratch) const;

  int64_t first_, second_;
  ShortTransforms over_first_, over_second_;
  // e^(-2 pi i b c / n): (b / kTogether, c, 2) for the first b of a group, (c, kPoint) for the others against it
  std::vector<double> own_, each_;
};

}  // namespace eegtorch
