// Products of recordings in doubles with small matrices and with themselves, compiled like the loops of table.h: once
// for each set of CPU instructions.
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
  // c (m, n) = a (m, depth) b (depth, n), of which b and c are long and have rows far apart, as the channels of a
  // recording are. streamed: c goes past the caches, where its rows are aligned. packed: depth * kPanel numbers.
  void (*mix)(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, bool streamed,
              double* packed);
  // c (m, m) += x x' for x (m, n), where the row is not below the column. packed: roomForPower(m) numbers.
  void (*addPower)(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c, double* packed);
};

constexpr size_t kPanel = 32, kStretch = 64;

constexpr size_t roomForPower(size_t m) { return kStretch * (m + 15); }

const MatrixTable& baselineMatrices();
const MatrixTable& avx2Matrices();
const MatrixTable& avx512Matrices();

}  // namespace eegtorch::kernels
