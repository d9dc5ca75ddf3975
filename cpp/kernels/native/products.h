// The two products that every convolution and matrix product here is made of.
#pragma once

#include "kernels/native/simd.h"
#include "kernels/native/table.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

void rows(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row,
          const float* bias, bool accumulate);
void dots(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row);

}  // namespace eegtorch::kernels::EEGTORCH_ISA
