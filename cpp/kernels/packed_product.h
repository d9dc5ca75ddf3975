// Products with a matrix that inference keeps packed, with what follows them while the result is in the cache.
#pragma once

#include "kernels/native/row_table.h"
#include "kernels/panel_matrix.h"

namespace eegtorch::kernels {

// Rows of both sides of a product; x_row and y_row: from one row to the next. Rows of x may overlap, which makes a
// convolution of a product. added: rows that come on top of the result, or null.
struct RowBlock {
  int64_t count;
  const float* x;
  int64_t x_row;
  float* y;
  int64_t y_row;
  const float* added = nullptr;
  int64_t added_row = 0;
};

class PackedProduct {
 public:
  // matrix: (depth, columns), bias: (columns) or undefined. rows: how many the products will have.
  PackedProduct(const at::Tensor& matrix, const at::Tensor& bias, int64_t rows);

  int64_t columns() const { return matrix_.columns(); }

  // y = activation(x * matrix + bias) + added; when accumulating, y comes on top of the product.
  void run(const std::vector<RowBlock>& blocks, bool accumulate, Activation activation) const;

 private:
  using Blocks = std::vector<RowBlock>;

  int64_t depth() const { return matrix_.depth(); }
  void shareRows(const Blocks& blocks, int64_t most, bool accumulate, Activation activation) const;
  void sharePanels(const Blocks& blocks, int64_t rows, bool accumulate, Activation activation) const;
  void compute(const Blocks& blocks, int64_t from, int64_t to, bool accumulate, Activation activation) const;
  void finish(const RowBlock& block, int64_t first, int64_t last, Activation activation) const;

  PanelMatrix matrix_;
  at::Tensor bias_;
};

}  // namespace eegtorch::kernels
