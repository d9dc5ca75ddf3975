// Filters of finite impulse response, by Fourier transforms of pieces that overlap.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// y[i] = sum_k taps[k] x[i + shift - k], the signal turned about its ends for up to `reach` samples, and 0 beyond. With
// shift = (taps - 1) / 2 symmetric taps delay nothing; with shift = 0 the filter is causal.
// x (..., samples), taps (taps) float64. Computed in float64, a few pieces at a time: little memory beside the result.
at::Tensor firFilter(const at::Tensor& x, const at::Tensor& taps, int64_t shift, int64_t reach);

}  // namespace eegtorch
