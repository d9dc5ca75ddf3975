// SiLU behind a norm, of pixels (n, channels) whose channels are innermost, compiled like the loops of table.h: once
// for each set of CPU instructions. u = scale * x + shift, with a scale and a shift for each channel.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

struct SiluTable {
  // y = silu(u)
  void (*forward)(const float* x, size_t n, size_t channels, const float* scale, const float* shift, float* y);
  // g = gradient with respect to u; for each channel sums += sum g, products += sum g * (x - mean).
  void (*backward)(const float* x, const float* grad_out, size_t n, size_t channels, const float* scale,
                   const float* shift, const float* mean, float* g, double* sums, double* products);
};

const SiluTable& baselineSilu();
const SiluTable& avx2Silu();
const SiluTable& avx512Silu();

}  // namespace eegtorch::kernels
