// Products of recordings in doubles with small matrices and with themselves, compiled like the loops of table.h: once
// for each set of CPU instructions.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

// Rows of doubles, each contiguous.
template <class Number>
struct RowsOf {
  Number* data;
  size_t row;
};

struct MatrixTable {
  // c (m, n) = a' b for a (depth, m) and b (depth, n), of which b and c are long and have rows far apart, as the
  // channels of a recording are. streamed: c goes past the caches, where its rows are aligned. packed: depth * kPanel
  // numbers.
  void (*mix)(size_t m, size_t n, size_t depth, RowsOf<const double> a, RowsOf<const double> b, RowsOf<double> c,
              bool streamed, double* packed);
  // c (m, m) += x x' for x (m, n), where the row is not below the column; what is below has no meaning. packed:
  // roomForPower(m) numbers.
  void (*addPower)(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c, double* packed);
};

constexpr size_t kPanel = 24, kStretch = 256;
constexpr size_t kPackedRow = kStretch + 8;  // rows do not share places in the cache

constexpr size_t roomForPower(size_t m) { return (m + 7) * kPackedRow; }

const MatrixTable& baselineMatrices();
const MatrixTable& avx2Matrices();
const MatrixTable& avx512Matrices();

}  // namespace eegtorch::kernels
