// Symmetric matrices of doubles beside each other, one in each lane of a vector, compiled like the loops of table.h:
// once for each set of CPU instructions. A number of a matrix is a vector here, so that square roots, short sums and
// matrices of any size run as fast as vectors do. LibTorch's routines for them cost more to call than to run.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

// Numbers from the beginning of a row to that of the next; odd, so that rows do not share places in the cache. Element
// (i, j) of matrix m is number (i * rowOf(n) + j) * together + m.
constexpr size_t rowOf(size_t n) { return n | 1; }

// Only upper triangles are read; what lies below may be overwritten.
struct SymmetricTable {
  size_t together;
  // out = outer inner outer; outer (n, n) is the same for all. between: room for as many matrices. out may be inner.
  void (*sandwich)(size_t n, const double* outer, const double* inner, double* between, double* out);
  // Eigenvalues (n, together) of matrices, which are lost, and eigenvectors as the rows of `vectors`, or nullptr. work:
  // 4 n * together. By Householder's reflections and the implicit QL algorithm (Golub and Van Loan, Matrix
  // Computations, 8.3). False where that does not converge.
  bool (*eigen)(double* matrices, size_t n, double* values, double* vectors, double* work);
  // out = V' D V for the rows V of `vectors` and the diagonal D, `numbers` (n, together).
  void (*compose)(size_t n, const double* vectors, const double* numbers, double* out);
};

const SymmetricTable& baselineSymmetric();
const SymmetricTable& avx2Symmetric();
const SymmetricTable& avx512Symmetric();

}  // namespace eegtorch::kernels
