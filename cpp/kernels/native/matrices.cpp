#include <algorithm>
#include <cstdint>

#include "kernels/native/doubles.h"
#include "kernels/native/matrix_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

// Tiles of results, which stay in registers: of a mixture, and of powers.
constexpr size_t kRows = lanes < 16 ? 6 : 8, kVectors = lanes < 16 ? 2 : 3, kColumns = kVectors * doubles;
constexpr size_t kChannels = 3;  // by as many others as a vector has numbers
constexpr size_t kLine = 64 / sizeof(double);

// Lines of memory that are needed soon, some beside each other, a step apart. Far apart as rows are, the processor does
// not foresee them; asked for all at once, they would make it wait, so tiles ask for a few now and then. What is beyond
// a row's end is asked for too: in a recording the next trial begins there.
template <size_t lines_beside>
struct Ahead {
  const double* at;
  size_t step;

  void ask() {
#pragma GCC unroll 8
    for (size_t line = 0; line < lines_beside; line++) __builtin_prefetch(at + line * kLine);
    at += step;
  }
};

// A tile of a mixture asks for a row of the next panel in every so many products: in a recording of 64 channels its
// tiles ask for all rows, at an even pace.
constexpr size_t kPace = 8;
using RowsAhead = Ahead<kPanel / kLine>;

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

// write(row, column, numbers) for a' b of a (depth, rows) and b (depth, kColumns).
template <size_t rows, class Write>
inline void tile(size_t depth, RowsOf<const double> a, const double* b, RowsAhead ahead, const Write& write) {
  Doubles sums[rows][kVectors];
#pragma GCC unroll 8
  for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; v++) sums[i][v] = Doubles{};
  const double* left = a.data;
  const auto add = [&] {
    Doubles numbers[kVectors];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; v++) numbers[v] = loadDoubles(b + v * doubles);
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; v++) sums[i][v] += left[i] * numbers[v];
    left += a.row;
    b += kColumns;
  };
  size_t k = 0;
  for (; k + kPace <= depth; k += kPace) {
    ahead.ask();
#pragma GCC unroll 8
    for (size_t i = 0; i < kPace; i++) add();
  }
  for (; k < depth; k++) add();
#pragma GCC unroll 8
  for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; v++) write(i, v * doubles, sums[i][v]);
}

template <size_t rows = 1, class Write>
inline void tileOf(size_t wanted, size_t depth, RowsOf<const double> a, const double* b, RowsAhead ahead,
                   const Write& write) {
  if constexpr (rows < kRows)
    if (wanted > rows) return tileOf<rows + 1>(wanted, depth, a, b, ahead, write);
  tile<rows>(depth, a, b, ahead, write);
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

// A panel's columns, tile by tile, those that the last tile lacks 0: rows of a recording may be far enough apart to
// share places in the cache.
void pack(size_t depth, size_t columns, RowsOf<const double> b, double* packed) {
  for (size_t j = 0; j < columns; j += kColumns)
    for (size_t k = 0; k < depth; k++, packed += kColumns)
      for (size_t v = 0; v < kColumns; v += doubles) {
        const size_t at = j + v;
        storeDoubles(packed + v, at < columns ? loadSome(b.data + k * b.row + at, columns - at) : Doubles{});
      }
}

template <bool streamed>
void mixBy(size_t m, size_t n, size_t depth, RowsOf<const double> a, RowsOf<const double> b, RowsOf<double> c,
           double* packed) {
  for (size_t from = 0; from < n; from += kPanel) {
    const size_t width = std::min(kPanel, n - from);
    pack(depth, width, {b.data + from, b.row}, packed);
    const double* next = b.data + from + width;
    size_t asked = 0;  // rows of the next panel
    for (size_t i = 0; i < m; i += kRows)
      for (size_t j = 0; j < width; j += kColumns, asked += depth / kPace) {
        const RowsAhead ahead = asked < depth ? RowsAhead{next + asked * b.row, b.row} : RowsAhead{packed, 0};
        const auto calculate = [&](const auto& write) {
          tileOf(std::min(kRows, m - i), depth, {a.data + i, a.row}, packed + j * depth, ahead, write);
        };
        const RowsOf<double> to = {c.data + i * c.row + from + j, c.row};
        const size_t left = width - j;
        if (left < kColumns)
          calculate([=](size_t row, size_t column, Doubles v) {
            if (column < left) storeSome(to.data + row * to.row + column, v, left - column);
          });
        else
          calculate([=](size_t row, size_t column, Doubles v) {
            double* at = to.data + row * to.row + column;
            streamed ? stream(at, v) : storeDoubles(at, v);
          });
      }
  }
}

void mix(size_t m, size_t n, size_t depth, RowsOf<const double> a, RowsOf<const double> b, RowsOf<double> c,
         bool streamed, double* packed) {
  const bool aligned = reinterpret_cast<uintptr_t>(c.data) % sizeof(Doubles) == 0 && c.row % doubles == 0;
  if (!streamed || !aligned) return mixBy<false>(m, n, depth, a, b, c, packed);
  mixBy<true>(m, n, depth, a, b, c, packed);
  endStream();
}

// Rows one after the other, what their last vectors lack 0.
void packRows(size_t m, size_t n, RowsOf<const double> x, double* packed) {
  for (size_t i = 0; i < m; i++)
    for (size_t t = 0; t < n; t += doubles)
      storeDoubles(packed + i * kPackedRow + t, loadSome(x.data + i * x.row + t, n - t));
}

typedef int64_t Places __attribute__((vector_size(sizeof(Doubles))));

inline Doubles addChosen(Doubles a, Doubles b, Places these, Places those) {
  return __builtin_shuffle(a, b, these) + __builtin_shuffle(a, b, those);
}

// The sum of the numbers of each of `doubles` vectors.
inline Doubles totals(const Doubles* v) {
#if defined(__AVX512F__)
  const auto two = [&](size_t i) {
    return addChosen(v[i], v[i + 1], Places{0, 8, 2, 10, 4, 12, 6, 14}, Places{1, 9, 3, 11, 5, 13, 7, 15});
  };
  const auto four = [&](size_t i) {
    return addChosen(two(i), two(i + 2), Places{0, 1, 8, 9, 4, 5, 12, 13}, Places{2, 3, 10, 11, 6, 7, 14, 15});
  };
  return addChosen(four(0), four(4), Places{0, 1, 2, 3, 8, 9, 10, 11}, Places{4, 5, 6, 7, 12, 13, 14, 15});
#elif defined(__AVX2__)
  const auto two = [&](size_t i) { return addChosen(v[i], v[i + 1], Places{0, 4, 2, 6}, Places{1, 5, 3, 7}); };
  return addChosen(two(0), two(2), Places{0, 1, 4, 5}, Places{2, 3, 6, 7});
#else
  return addChosen(v[0], v[1], Places{0, 2}, Places{1, 3});
#endif
}

// In a register, not read again from memory by each of its products.
inline void keep(Doubles& v) {
#if defined(__AVX2__)
  asm("" : "+v"(v));
#else
  (void)v;
#endif
}

// add(row, sums) for the products of kChannels packed rows and `doubles` others, over n samples.
template <class Add>
inline void powers(size_t n, const double* rows, const double* others, Ahead<1> ahead, const Add& add) {
  Doubles sums[kChannels][doubles];
#pragma GCC unroll 8
  for (size_t i = 0; i < kChannels; i++)
#pragma GCC unroll 8
    for (size_t j = 0; j < doubles; j++) sums[i][j] = Doubles{};
  for (size_t t = 0; t < n; t += doubles) {
    ahead.ask();
    Doubles numbers[kChannels];
#pragma GCC unroll 8
    for (size_t i = 0; i < kChannels; i++) numbers[i] = loadDoubles(rows + i * kPackedRow + t);
#pragma GCC unroll 8
    for (size_t j = 0; j < doubles; j++) {
      Doubles other = loadDoubles(others + j * kPackedRow + t);
      keep(other);
#pragma GCC unroll 8
      for (size_t i = 0; i < kChannels; i++) sums[i][j] += numbers[i] * other;
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < kChannels; i++) add(i, totals(sums[i]));
}

inline void addTo(double* sums, Doubles v, size_t n) { storeSome(sums, loadSome(sums, n) + v, n); }

void addPower(size_t m, size_t n, RowsOf<const double> x, RowsOf<double> c, double* packed) {
  std::fill(packed + m * kPackedRow, packed + roomForPower(m), 0.);  // tiles read some rows more
  for (size_t from = 0; from < n; from += kStretch) {
    const size_t length = std::min(kStretch, n - from);
    packRows(m, length, {x.data + from, x.row}, packed);
    const double* next = x.data + from + kStretch;
    size_t asked = 0;  // rows of the next stretch
    for (size_t j = 0; j < m; j += doubles)
      for (size_t i = 0; i < std::min(m, j + doubles); i += kChannels, asked++) {
        const Ahead<1> ahead = asked < m ? Ahead<1>{next + asked * x.row, doubles} : Ahead<1>{packed, 0};
        powers(length, packed + i * kPackedRow, packed + j * kPackedRow, ahead, [=](size_t row, Doubles sums) {
          if (i + row < m) addTo(c.data + (i + row) * c.row + j, sums, m - j);
        });
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
