// Loops over pixels whose channels are innermost in memory. Meanings are in table.h.
#pragma once

#include "kernels/native/simd.h"
#include "kernels/native/table.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

void columnSums(const float* x, const float* centre, size_t n, size_t channels, double* sums);
void normReluColumns(const float* x, size_t n, size_t channels, const float* scale, const float* shift, float slope,
                     float* y);
void normReluBackwardColumns(const float* x, const float* y, const float* grad_out, size_t n, size_t channels,
                             const float* mean, float slope, float* g, double* sums, double* products);
void normaliseBackwardColumns(const float* x, const float* g, size_t n, size_t channels, const float* scale,
                              const float* offset, const float* slope, const float* mean, float* d);

}  // namespace eegtorch::kernels::EEGTORCH_ISA
