// Products with a matrix that inference keeps packed, with bias and (leaky) ReLU while the result is in the cache.
#pragma once

#include "kernels/panel_matrix.h"

namespace eegtorch::kernels {

// Rows of both sides of a product; x_row and y_row: from one row to the next. Rows of x may overlap, which makes a
// convolution of a product.
struct RowBlock {
  int64_t count;
  const float* x;
  int64_t x_row;
  float* y;
  int64_t y_row;
};

class PackedProduct {
 public:
  // matrix: (depth, columns), bias: (columns) or undefined. rows: how many the products will have.
  PackedProduct(const at::Tensor& matrix, const at::Tensor& bias, int64_t rows);

  int64_t columns() const { return matrix_.columns(); }

  // y = x * matrix + bias, or += when accumulating. Negative numbers are then multiplied by slope: 0 is ReLU, 1
  // nothing.
  void run(const std::vector<RowBlock>& blocks, bool accumulate, float slope) const;

 private:
  void finish(const RowBlock& block, int64_t first, int64_t last, float slope) const;

  PanelMatrix matrix_;
  at::Tensor bias_;
};

}  // namespace eegtorch::kernels
