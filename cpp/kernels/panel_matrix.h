// The right-hand side of many products, laid out as they read it: panels of a few columns, each contiguous, so that one
// stays in the innermost cache while rows pass by.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// Products that follow one another at once read a matrix where the one before left it.
enum class Reading { once, again };

class PanelMatrix {
 public:
  // matrix: (depth, columns), float32. rows: how many the products will have; few want wide panels, so that enough sums
  // go on at a time.
  PanelMatrix(const at::Tensor& matrix, int64_t rows, Reading reading = Reading::once);

  // How wide panels for so many rows are: vectors of numbers.
  static int64_t vectorsFor(int64_t rows) { return rows == 1 ? 8 : rows <= 3 ? 4 : 2; }

  // c (m, columns) = a (m, depth) * matrix, or += when accumulating. a_row, c_row: from one row to the next.
  void multiply(int64_t m, const float* a, int64_t a_row, float* c, int64_t c_row, bool accumulate) const;

  // The columns of one panel alone: [panel * width(), ...), c still pointing to the first.
  void multiplyPanel(int64_t panel, int64_t m, const float* a, int64_t a_row, float* c, int64_t c_row,
                     bool accumulate) const;

  int64_t depth() const { return depth_; }
  int64_t columns() const { return columns_; }
  int64_t width() const { return width_; }
  int64_t panels() const { return (columns_ + width_ - 1) / width_; }

 private:
  int64_t depth_, columns_, width_;
  bool fetches_;       // what comes next; in vain where the second cache still holds it
  at::Tensor panels_;  // (panels, depth, width), zeros beyond the last column
};

}  // namespace eegtorch::kernels
