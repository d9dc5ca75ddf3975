// Softmax of short rows, compiled like the loops of table.h: once for each set of CPU instructions.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

struct SoftmaxTable {
  // x (rows, n) becomes softmax(scale * x + mask) of each row; mask (rows, n) or null.
  void (*run)(float* x, const float* mask, size_t rows, size_t n, float scale);
};

const SoftmaxTable& baselineSoftmax();
const SoftmaxTable& avx2Softmax();
const SoftmaxTable& avx512Softmax();

}  // namespace eegtorch::kernels
