#pragma once

#include <cstddef>

#include "kernels/native/simd.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

bool eigen(double* matrix, size_t n, double* values, double* vectors, double* work);

}  // namespace eegtorch::kernels::EEGTORCH_ISA
