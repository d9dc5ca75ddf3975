#include <algorithm>

#include "kernels/native/doubles.h"
#include "kernels/native/eigen.h"
#include "kernels/native/matrix_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t kRows = 6, kColumns = 2 * doubles;  // of c, which stay in registers
constexpr size_t kLeft = 3, kRight = 4;              // rows whose products are summed together
constexpr size_t kBlock = 12, kStretch = 160;        // rows and samples of which two blocks fit the first cache
constexpr size_t kLine = 64 / sizeof(double);

// Rows first .. last - 1, n columns from `from`, which are needed soon. Far apart as they are, the processor does not
// foresee them.
template <class Number>
inline void prefetch(RowsOf<Number> x, size_t first, size_t last, size_t from, size_t n) {
  for (size_t i = first; i < last; i++)
    for (size_t j = 0; j < n; j += kLine) __builtin_prefetch(x.data + i * x.row + from + j);
}

// rows x kColumns numbers of c.
template <size_t rows>
void tile(size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c) {
  Doubles sums[rows][2] = {};
  const double *left = a.data, *right = b.data;
  for (size_t k = 0; k < depth; k++, left += a.column, right += b.row) {
    const Doubles first = loadDoubles(right), second = loadDoubles(right + doubles);
    for (size_t i = 0; i < rows; i++) {
      sums[i][0] += left[i * a.row] * first;
      sums[i][1] += left[i * a.row] * second;
    }
  }
  for (size_t i = 0; i < rows; i++) {
    storeDoubles(c.data + i * c.row, sums[i][0]);
    storeDoubles(c.data + i * c.row + doubles, sums[i][1]);
  }
}

void tileOf(size_t rows, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c) {
  switch (rows) {
    case 1:
      return tile<1>(depth, a, b, c);
    case 2:
      return tile<2>(depth, a, b, c);
    case 3:
      return tile<3>(depth, a, b, c);
    case 4:
      return tile<4>(depth, a, b, c);
    case 5:
      return tile<5>(depth, a, b, c);
    default:
      return tile<6>(depth, a, b, c);
  }
}

// The columns that do not fill a tile.
void columns(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c) {
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = 0;
      for (size_t k = 0; k < depth; k++) sum += a.data[i * a.row + k * a.column] * b.data[k * b.row + j];
      c.data[i * c.row + j] = sum;
    }
}

void product(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c) {
  const size_t whole = n / kColumns * kColumns;
  for (size_t j = 0; j < whole; j += kColumns)
    for (size_t i = 0; i < m; i += kRows)
      tileOf(std::min(kRows, m - i), depth, {a.data + i * a.row, a.row, a.column}, {b.data + j, b.row},
             {c.data + i * c.row + j, c.row});
  columns(m, n - whole, depth, a, {b.data + whole, b.row}, {c.data + whole, c.row});
}

// A panel's columns, tile by tile: rows of a recording may be far enough apart to share places in the cache.
void pack(size_t depth, size_t columns, RowsOf<const double> b, double* packed) {
  for (size_t k = 0; k < depth; k++)
    for (size_t j = 0; j < columns; j += kColumns)
      for (size_t v = 0; v < kColumns; v += doubles)
        storeDoubles(packed + j * depth + k * kColumns + v, loadDoubles(b.data + k * b.row + j + v));
}

void mix(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, double* packed) {
  for (size_t from = 0; from < n; from += kPanel) {
    const size_t width = std::min(kPanel, n - from), whole = width / kColumns * kColumns;
    const size_t next = from + width, ahead = std::min(kPanel, n - next);
    pack(depth, whole, {b.data + from, b.row}, packed);
    for (size_t i = 0; i < m; i += kRows) {
      const size_t rows = std::min(kRows, m - i);
      prefetch(b, i * depth / m, (i + rows) * depth / m, next, ahead);
      prefetch(c, i, i + rows, next, ahead);
      for (size_t j = 0; j < whole; j += kColumns)
        tileOf(rows, depth, {a.data + i * a.row, a.row, a.column}, {packed + j * depth, kColumns},
               {c.data + i * c.row + from + j, c.row});
    }
    columns(m, width - whole, depth, a, {b.data + from + whole, b.row}, {c.data + from + whole, c.row});
  }
}

inline double total(Doubles v) {
  double sum = 0;
  for (size_t lane = 0; lane < doubles; lane++) sum += v[lane];
  return sum;
}

// c (left, right) += the sums over n samples of products of rows.
template <size_t left, size_t right>
void addDots(size_t n, RowsOf<const double> x, RowsOf<const double> y, RowsOf<double> c) {
  Doubles sums[left][right] = {};
  size_t t = 0;
  for (; t + doubles <= n; t += doubles) {
    Doubles other[right];
    for (size_t j = 0; j < right; j++) other[j] = loadDoubles(y.data + j * y.row + t);
    for (size_t i = 0; i < left; i++) {
      const Doubles own = loadDoubles(x.data + i * x.row + t);
      for (size_t j = 0; j < right; j++) sums[i][j] += own * other[j];
    }
  }
  for (size_t i = 0; i < left; i++)
    for (size_t j = 0; j < right; j++) {
      double sum = total(sums[i][j]);
      for (size_t rest = t; rest < n; rest++) sum += x.data[i * x.row + rest] * y.data[j * y.row + rest];
      c.data[i * c.row + j] += sum;
    }
}

template <size_t left>
void addDotsOf(size_t right, size_t n, RowsOf<const double> x, RowsOf<const double> y, RowsOf<double> c) {
  switch (right) {
    case 1:
      return addDots<left, 1>(n, x, y, c);
    case 2:
      return addDots<left, 2>(n, x, y, c);
    case 3:
      return addDots<left, 3>(n, x, y, c);
    default:
      return addDots<left, kRight>(n, x, y, c);
  }
}

void addDotsOf(size_t left, size_t right, size_t n, RowsOf<const double> x, RowsOf<const double> y, RowsOf<double> c) {
  switch (left) {
    case 1:
      return addDotsOf<1>(right, n, x, y, c);
    case 2:
      return addDotsOf<2>(right, n, x, y, c);
    default:
      return addDotsOf<kLeft>(right, n, x, y, c);
  }
}

// c += x x' for the rows of one block and the columns of another that is not before it.
void addBlock(size_t m, size_t n, size_t rows, size_t columns, RowsOf<const double> x, RowsOf<double> c) {
  const size_t last_row = std::min(m, rows + kBlock), last_column = std::min(m, columns + kBlock);
  for (size_t i = rows; i < last_row; i += kLeft)
    for (size_t j = columns; j < last_column; j += kRight)
      if (j + kRight > i)
        addDotsOf(std::min(kLeft, m - i), std::min(kRight, m - j), n, {x.data + i * x.row, x.row},
                  {x.data + j * x.row, x.row}, {c.data + i * c.row + j, c.row});
}

void addPower(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c) {
  for (size_t from = 0; from < n; from += kStretch) {
    const size_t length = std::min(kStretch, n - from), next = from + length;
    for (size_t j = 0; j < m; j += kBlock) {
      prefetch(x, j, std::min(m, j + kBlock), next, std::min(kStretch, n - next));
      for (size_t i = 0; i <= j; i += kBlock) addBlock(m, length, i, j, {x.data + from, x.row}, c);
    }
  }
}

constexpr MatrixTable table = {product, mix, addPower, eigen};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const MatrixTable& avx512Matrices() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const MatrixTable& avx2Matrices() { return EEGTORCH_ISA::table; }
#else
const MatrixTable& baselineMatrices() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
