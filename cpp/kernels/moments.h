// What batch norm needs to know of a convolution's output, taken from its input. With y[t] = sum_i w[i] x[t + i] over
// every row, mean(y) = w . first and mean(y^2) = w' second w. Neither depends on w, so many filters share them.
#pragma once

#include <cstdint>
#include <vector>

namespace eegtorch::kernels {

struct LagMoments {
  int64_t taps;
  int64_t count;               // outputs over all rows
  std::vector<double> first;   // (taps): mean of x[t + i]
  std::vector<double> second;  // (taps, taps): mean of x[t + i] x[t + j]

  double mean(const float* filter) const;
  // Biased, never below 0.
  double variance(const float* filter) const;
  // (taps): second * filter
  std::vector<double> correlate(const float* filter) const;
};

// x: (rows, samples), seen through `padding` zeros on both sides. Needs padding < taps <= samples.
LagMoments lagMoments(const float* x, int64_t rows, int64_t samples, int64_t taps, int64_t padding);

}  // namespace eegtorch::kernels
