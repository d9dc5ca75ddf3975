// Products with small matrices of doubles, and their eigenvectors, compiled like the loops of table.h: once for each
// set of CPU instructions. LibTorch's routines for them cost more to call than to run.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

// Where the element (i, k) lies: i * row + k * column.
struct Factor {
  const double* data;
  size_t row, column;
};

// Rows of doubles, each contiguous.
template <class Number>
struct RowsOf {
  Number* data;
  size_t row;
};

struct MatrixTable {
  // c (m, n) = a (m, depth) b (depth, n)
  void (*product)(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c);
  // The same for a b that is long and far apart, as the channels of a recording are. packed: depth * kPanel numbers.
  void (*mix)(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, double* packed);
  // c (m, m) += x x' for x (m, n), where the row is not below the column.
  void (*addPower)(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c);
  // Eigenvalues of a symmetric matrix (n, n), which is lost, and its eigenvectors as the rows of `vectors` (n, n), or
  // nullptr. work: 3 n. By Householder's reflections and the implicit QL algorithm (Golub and Van Loan, Matrix
  // Computations, 8.3). False where that does not converge.
  bool (*eigen)(double* matrix, size_t n, double* values, double* vectors, double* work);
};

constexpr size_t kPanel = 32;

const MatrixTable& baselineMatrices();
const MatrixTable& avx2Matrices();
const MatrixTable& avx512Matrices();

}  // namespace eegtorch::kernels
