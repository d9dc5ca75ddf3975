// What stands between products in inference, row by row, compiled like the loops of table.h: once for each set of CPU
// instructions.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

// After a product: negative numbers are multiplied by slope (0 is ReLU, 1 nothing), or all go through GELU.
struct Activation {
  double slope = 1;
  bool gelu = false;
};

struct LayerNormTask {
  size_t rows, n;
  const float *weight, *bias;  // (n) or null
  float eps;
  bool gelu;  // afterwards
};

struct RowTable {
  // y = activation(y + bias) + added of n numbers; bias and added may be null.
  void (*finish)(float* y, const float* bias, const float* added, size_t n, Activation activation);
  // The layer norm of each row of x (rows, n); y may be x.
  void (*layer_norm)(const float* x, float* y, const LayerNormTask& task);
  // The largest of each column of x (rows, n); NaN is larger than all, as in LibTorch.
  void (*largest)(const float* x, float* y, size_t rows, size_t n);
};

const RowTable& baselineRows();
const RowTable& avx2Rows();
const RowTable& avx512Rows();

}  // namespace eegtorch::kernels
