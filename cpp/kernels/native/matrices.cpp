#include <algorithm>
#include <cstdint>

#include "kernels/native/doubles.h"
#include "kernels/native/matrix_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t kRows = lanes < 16 ? 6 : 8, kColumns = 2 * doubles;  // of c, which stay in registers
constexpr size_t kLine = 64 / sizeof(double);

// Rows first .. last - 1, n columns from `from`, which are needed soon. Far apart as they are, the processor does not
// foresee them.
inline void prefetch(RowsOf<const double> x, size_t first, size_t last, size_t from, size_t n) {
  for (size_t i = first; i < last; i++)
    for (size_t j = 0; j < n; j += kLine) __builtin_prefetch(x.data + i * x.row + from + j);
}

// Past the caches, to an aligned place.
inline void stream(double* p, Doubles v) {
#if defined(__AVX512F__)
  _mm512_stream_pd(p, v);
#elif defined(__AVX2__)
  _mm256_stream_pd(p, v);
#else
  storeDoubles(p, v);
#endif
}

// What was streamed is seen before what is stored from here on.
inline void endStream() {
#if defined(__AVX2__)
  _mm_sfence();
#endif
}

// write(row, column, numbers) for a (rows, depth) b (depth, vectors * doubles), which takes kRows rows and kColumns
// columns or less.
template <size_t rows, size_t vectors, class Write>
inline void tile(size_t depth, Factor a, RowsOf<const double> b, const Write& write) {
  Doubles sums[rows][vectors] = {};
  const double *left = a.data, *right = b.data;
  for (size_t k = 0; k < depth; k++, left += a.column, right += b.row) {
    Doubles numbers[vectors];
    for (size_t v = 0; v < vectors; v++) numbers[v] = loadDoubles(right + v * doubles);
    for (size_t i = 0; i < rows; i++)
      for (size_t v = 0; v < vectors; v++) sums[i][v] += left[i * a.row] * numbers[v];
  }
  for (size_t i = 0; i < rows; i++)
    for (size_t v = 0; v < vectors; v++) write(i, v * doubles, sums[i][v]);
}

template <size_t vectors, size_t rows = 1, class Write>
inline void tileOf(size_t wanted, size_t depth, Factor a, RowsOf<const double> b, const Write& write) {
  if constexpr (rows < kRows)
    if (wanted > rows) return tileOf<vectors, rows + 1>(wanted, depth, a, b, write);
  tile<rows, vectors>(depth, a, b, write);
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

// A panel's columns, tile by tile: rows of a recording may be far enough apart to share places in the cache.
void pack(size_t depth, size_t columns, RowsOf<const double> b, double* packed) {
  for (size_t k = 0; k < depth; k++)
    for (size_t j = 0; j < columns; j += kColumns)
      for (size_t v = 0; v < kColumns; v += doubles)
        storeDoubles(packed + j * depth + k * kColumns + v, loadDoubles(b.data + k * b.row + j + v));
}

template <bool streamed>
void mixBy(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, double* packed) {
  for (size_t from = 0; from < n; from += kPanel) {
    const size_t width = std::min(kPanel, n - from), whole = width / kColumns * kColumns;
    const size_t next = from + width, ahead = std::min(kPanel, n - next);
    pack(depth, whole, {b.data + from, b.row}, packed);
    for (size_t i = 0; i < m; i += kRows) {
      const size_t rows = std::min(kRows, m - i);
      prefetch(b, i * depth / m, (i + rows) * depth / m, next, ahead);
      for (size_t j = 0; j < whole; j += kColumns) {
        double* to = c.data + i * c.row + from + j;
        tileOf<2>(rows, depth, {a.data + i * a.row, a.row, a.column}, {packed + j * depth, kColumns},
                  [&](size_t row, size_t column, Doubles v) {
                    streamed ? stream(to + row * c.row + column, v) : storeDoubles(to + row * c.row + column, v);
                  });
      }
    }
    columns(m, width - whole, depth, a, {b.data + from + whole, b.row}, {c.data + from + whole, c.row});
  }
}

void mix(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, bool streamed,
         double* packed) {
  const bool aligned = reinterpret_cast<uintptr_t>(c.data) % sizeof(Doubles) == 0 && c.row % doubles == 0;
  if (!streamed || !aligned) return mixBy<false>(m, n, depth, a, b, c, packed);
  mixBy<true>(m, n, depth, a, b, c, packed);
  endStream();
}

// Samples as rows of `wide` channels, those beyond the m of x 0.
void packSamples(size_t m, size_t n, RowsOf<const double> x, size_t wide, double* packed) {
  using Fours = FourOf<double>;
  const auto load = [&](size_t i, size_t t) { return *reinterpret_cast<const Fours*>(x.data + i * x.row + t); };
  for (size_t i = 0; i < wide; i += 4) {
    size_t t = 0;
    for (; i + 4 <= m && t + 4 <= n; t += 4) {
      const Square square = turned({load(i, t), load(i + 1, t), load(i + 2, t), load(i + 3, t)});
      double* at = packed + t * wide + i;
      for (const Four& four : {square.a, square.b, square.c, square.d}) {
        *reinterpret_cast<Fours*>(at) = four;
        at += wide;
      }
    }
    for (; t < n; t++)
      for (size_t k = i; k < std::min(i + 4, wide); k++) packed[t * wide + k] = k < m ? x.data[k * x.row + t] : 0;
  }
}

// The first n of v, at most all.
inline void addTo(double* sums, Doubles v, size_t n) {
  if (n >= doubles) return storeDoubles(sums, loadDoubles(sums) + v);
  for (size_t i = 0; i < n; i++) sums[i] += v[i];
}

void addPower(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c, double* packed) {
  const size_t wide = (m + kColumns - 1) / kColumns * kColumns;
  for (size_t from = 0; from < n; from += kStretch) {
    const size_t length = std::min(kStretch, n - from), next = from + length;
    packSamples(m, length, {x.data + from, x.row}, wide, packed);
    for (size_t j = 0; j < m; j += kColumns) {
      const size_t last = std::min(m, j + kColumns);
      prefetch(x, j, last, next, std::min(kStretch, n - next));
      for (size_t i = 0; i < last; i += kRows) {
        const size_t rows = std::min(kRows, last - i), below = i < j + doubles ? 0 : doubles;  // the diagonal
        const auto add = [&](size_t row, size_t column, Doubles v) {
          const size_t first = j + below + column;
          addTo(c.data + (i + row) * c.row + first, v, first < m ? m - first : 0);
        };
        const Factor left = {packed + i, 1, wide};
        below ? tileOf<1>(rows, length, left, {packed + j + below, wide}, add)
              : tileOf<2>(rows, length, left, {packed + j, wide}, add);
      }
    }
  }
}

constexpr MatrixTable table = {mix, addPower};

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
