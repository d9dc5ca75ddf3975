#include <algorithm>
#include <cstdint>

#include "kernels/native/doubles.h"
#include "kernels/native/matrix_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t kRows = lanes < 16 ? 6 : 8, kColumns = 2 * doubles;  // of c, which stay in registers
constexpr size_t kLine = 64 / sizeof(double);
constexpr size_t kSteps = 16;  // of a tile, between two rows that it asks for

// Columns of many rows that are needed soon. Far apart as they are, the processor does not foresee them; asked for all
// at once, they would make it wait, so tiles ask for a row now and then. What is beyond a row's end is asked for too:
// in a recording the next trial begins there.
class Ahead {
 public:
  Ahead(RowsOf<const double> x, size_t from, size_t columns, size_t rows)
      : at_(x.data + from), row_(x.row), columns_(columns), rows_(rows) {}

  void ask() {
    if (rows_ == 0) return;
    for (size_t j = 0; j < columns_; j += kLine) __builtin_prefetch(at_ + j);
    at_ += row_;
    rows_--;
  }

  void askRest() {
    while (rows_ > 0) ask();
  }

 private:
  const double* at_;
  size_t row_, columns_, rows_;
};

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
inline void tile(size_t depth, Factor a, RowsOf<const double> b, Ahead& ahead, const Write& write) {
  Doubles sums[rows][vectors] = {};
  const double *left = a.data, *right = b.data;
  for (size_t first = 0; first < depth; first += kSteps) {
    ahead.ask();
    for (size_t k = first; k < std::min(depth, first + kSteps); k++, left += a.column, right += b.row) {
      Doubles numbers[vectors];
      for (size_t v = 0; v < vectors; v++) numbers[v] = loadDoubles(right + v * doubles);
      for (size_t i = 0; i < rows; i++)
        for (size_t v = 0; v < vectors; v++) sums[i][v] += left[i * a.row] * numbers[v];
    }
  }
  for (size_t i = 0; i < rows; i++)
    for (size_t v = 0; v < vectors; v++) write(i, v * doubles, sums[i][v]);
}

template <size_t vectors, size_t rows = 1, class Write>
inline void tileOf(size_t wanted, size_t depth, Factor a, RowsOf<const double> b, Ahead& ahead, const Write& write) {
  if constexpr (rows < kRows)
    if (wanted > rows) return tileOf<vectors, rows + 1>(wanted, depth, a, b, ahead, write);
  tile<rows, vectors>(depth, a, b, ahead, write);
}

// The first n of v, at most all.
inline void storeSome(double* p, Doubles v, size_t n) {
  if (n >= doubles) return storeDoubles(p, v);
  for (size_t i = 0; i < n; i++) p[i] = v[i];
}

inline Doubles loadSome(const double* p, size_t n) {
  if (n >= doubles) return loadDoubles(p);
  Doubles v = {};
  for (size_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}

// A panel's columns, tile by tile, those that a vector lacks 0: rows of a recording may be far enough apart to share
// places in the cache.
void pack(size_t depth, size_t columns, RowsOf<const double> b, double* packed) {
  for (size_t k = 0; k < depth; k++)
    for (size_t j = 0; j < columns; j += doubles)
      storeDoubles(packed + j / kColumns * kColumns * depth + k * kColumns + j % kColumns,
                   loadSome(b.data + k * b.row + j, columns - j));
}

template <bool streamed>
void mixBy(size_t m, size_t n, size_t depth, Factor a, RowsOf<const double> b, RowsOf<double> c, double* packed) {
  for (size_t from = 0; from < n; from += kPanel) {
    const size_t width = std::min(kPanel, n - from);
    pack(depth, width, {b.data + from, b.row}, packed);
    Ahead ahead(b, from + kPanel, kPanel, depth);
    for (size_t i = 0; i < m; i += kRows) {
      const size_t rows = std::min(kRows, m - i);
      for (size_t j = 0; j < width; j += kColumns) {
        double* to = c.data + i * c.row + from + j;
        const size_t left = width - j;
        const auto write = [&](size_t row, size_t column, Doubles v) {
          double* at = to + row * c.row + column;
          streamed&& column + doubles <= left ? stream(at, v) : storeSome(at, v, left - column);
        };
        const Factor weights = {a.data + i * a.row, a.row, a.column};
        const RowsOf<const double> samples = {packed + j * depth, kColumns};
        left > doubles ? tileOf<2>(rows, depth, weights, samples, ahead, write)
                       : tileOf<1>(rows, depth, weights, samples, ahead, write);
      }
    }
    ahead.askRest();
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

inline void addTo(double* sums, Doubles v, size_t n) { storeSome(sums, loadSome(sums, n) + v, n); }

void addPower(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c, double* packed) {
  const size_t wide = (m + kColumns - 1) / kColumns * kColumns;
  for (size_t from = 0; from < n; from += kStretch) {
    const size_t length = std::min(kStretch, n - from);
    packSamples(m, length, {x.data + from, x.row}, wide, packed);
    Ahead ahead(x, from + kStretch, kStretch, m);
    for (size_t j = 0; j < m; j += kColumns) {
      const size_t last = std::min(m, j + kColumns);
      for (size_t i = 0; i < last; i += kRows) {
        const size_t rows = std::min(kRows, last - i), below = i < j + doubles ? 0 : doubles;  // the diagonal
        const auto add = [&](size_t row, size_t column, Doubles v) {
          const size_t first = j + below + column;
          addTo(c.data + (i + row) * c.row + first, v, first < m ? m - first : 0);
        };
        const Factor left = {packed + i, 1, wide};
        below ? tileOf<1>(rows, length, left, {packed + j + below, wide}, ahead, add)
              : tileOf<2>(rows, length, left, {packed + j, wide}, ahead, add);
      }
    }
    ahead.askRest();
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
