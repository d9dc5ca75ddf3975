// Values at given places of sorted signals: medians and quartiles without sorting everything.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Each below: x (..., samples) -> (...).

// The median; the mean of the middle two where their number is even.
at::Tensor medianOf(const at::Tensor& x);

// Median of the distances from the median.
at::Tensor medianDeviation(const at::Tensor& x);

// Value at a share (0 .. 1) of a sample, as MATLAB's quantile places it: the first sample is at 0.5 / n, the last at
// 1 - 0.5 / n.
at::Tensor sampleQuantile(const at::Tensor& x, double share);

// Upper minus lower quartile, the sample's.
at::Tensor quartileRange(const at::Tensor& x);

}  // namespace eegtorch
