#include "kernels/native/products.h"

#include "kernels/native/panel_table.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

// Accumulators held in registers: 16 of them exist before AVX-512, 32 with it.
#if defined(__AVX512F__)
constexpr size_t tall = 12;
#else
constexpr size_t tall = 6;
#endif
constexpr size_t wide = 8;   // vectors side by side when there is one row
constexpr size_t broad = 4;  // when there are two or three

constexpr size_t line = 16;  // floats that come into the cache together

struct RowsTask {
  Depth depth;
  size_t a_row, c_row;
  const float* bias;
  bool accumulate;
};

// What the next product will read: fetched `stride` numbers further with each step of depth.
struct Ahead {
  const float* from;
  size_t stride;
};

// M rows by V vectors of the result. Partial: one vector of which the first `tail` elements exist. Lines: of the cache,
// fetched ahead in each step.
template <size_t M, size_t V, bool Partial, size_t Lines = 0>
inline void rowsTile(const RowsTask& task, const float* a, const float* b, float* c, size_t first_row, size_t tail,
                     Ahead ahead = {}) {
  Vec acc[M][V];
#pragma GCC unroll 16
  for (size_t m = 0; m < M; m++)
#pragma GCC unroll 16
    for (size_t v = 0; v < V; v++) acc[m][v] = splat(task.bias ? task.bias[first_row + m] : 0.f);
  for (size_t o = 0; o < task.depth.outer; o++) {
    const float* row = b + o * task.depth.outer_stride;
    for (size_t i = 0; i < task.depth.inner; i++, row += task.depth.inner_stride, a += task.depth.left_stride) {
#pragma GCC unroll 16
      for (size_t l = 0; l < Lines; l++) __builtin_prefetch(ahead.from + l * line, 0, 2);
      ahead.from += ahead.stride;
      Vec values[V];
#pragma GCC unroll 16
      for (size_t v = 0; v < V; v++) values[v] = Partial ? load(row, tail) : load(row + v * lanes);
#pragma GCC unroll 16
      for (size_t m = 0; m < M; m++) {
        const Vec factor = splat(a[m * task.a_row]);
#pragma GCC unroll 16
        for (size_t v = 0; v < V; v++) acc[m][v] += factor * values[v];
      }
    }
  }
#pragma GCC unroll 16
  for (size_t m = 0; m < M; m++)
#pragma GCC unroll 16
    for (size_t v = 0; v < V; v++) {
      float* to = c + m * task.c_row + v * lanes;
      if (Partial)
        store(to, task.accumulate ? acc[m][v] + load(to, tail) : acc[m][v], tail);
      else
        store(to, task.accumulate ? acc[m][v] + load(to) : acc[m][v]);
    }
}

// Calls with the height as a constant.
template <class Call>
inline void withHeight(size_t height, Call call) {
  switch (height) {
#if defined(__AVX512F__)
    case 12:
      return call(std::integral_constant<size_t, 12>{});
    case 11:
      return call(std::integral_constant<size_t, 11>{});
    case 10:
      return call(std::integral_constant<size_t, 10>{});
    case 9:
      return call(std::integral_constant<size_t, 9>{});
    case 8:
      return call(std::integral_constant<size_t, 8>{});
    case 7:
      return call(std::integral_constant<size_t, 7>{});
#endif
    case 6:
      return call(std::integral_constant<size_t, 6>{});
    case 5:
      return call(std::integral_constant<size_t, 5>{});
    case 4:
      return call(std::integral_constant<size_t, 4>{});
    case 3:
      return call(std::integral_constant<size_t, 3>{});
    case 2:
      return call(std::integral_constant<size_t, 2>{});
    default:
      return call(std::integral_constant<size_t, 1>{});
  }
}

// One column of tiles: all rows, V vectors.
template <size_t V, bool Partial>
inline void rowsColumn(const RowsTask& task, size_t m, const float* a, const float* b, float* c, size_t tail) {
  // As few tiles as registers allow, of nearly equal height: a last tile of one row would wait on itself.
  const size_t tiles = (m + tall - 1) / tall;
  for (size_t tile = 0, row = 0; tile < tiles; tile++) {
    const size_t height = m / tiles + (tile < m % tiles);
    withHeight(height, [&](auto count) {
      rowsTile<count, V, Partial>(task, a + row * task.a_row, b, c + row * task.c_row, row, tail);
    });
    row += height;
  }
}

// One tile of a whole panel, which fetches all of the next.
template <size_t M, size_t V>
inline void panelTile(const RowsTask& task, const float* a, const Panel& b, float* c) {
  constexpr size_t width = V * lanes;
  rowsTile<M, V, false, (width + line - 1) / line>(task, a, b.data, c, 0, 0, {b.next, width});
}

// All tiles of a whole panel, two vectors wide; each fetches a share of the next.
inline void panelTiles(const RowsTask& task, size_t m, const float* a, const Panel& b, float* c) {
  constexpr size_t pair = 2 * lanes;
  const size_t tiles = (m + tall - 1) / tall, share = (pair + tiles - 1) / tiles, depth = task.depth.inner;
  for (size_t column = 0; column < b.width; column += pair)
    for (size_t tile = 0, row = 0; tile < tiles; tile++) {
      const size_t height = m / tiles + (tile < m % tiles);
      const Ahead ahead{b.next + (column + tile * share) * depth, share};
      const auto compute = [&]<size_t Lines>() {
        withHeight(height, [&](auto count) {
          rowsTile<count, 2, false, Lines>(task, a + row * task.a_row, b.data + column, c + row * task.c_row + column,
                                           row, 0, ahead);
        });
      };
      if (tiles == 1)
        compute.template operator()<(pair + line - 1) / line>();
      else
        compute.template operator()<1>();
      row += height;
    }
}

template <size_t M, size_t K>
inline void dotsTile(size_t n, const float* a, size_t a_row, const float* b, size_t b_row, float* c, size_t c_row) {
  Vec acc[M][K];
#pragma GCC unroll 16
  for (size_t m = 0; m < M; m++)
#pragma GCC unroll 16
    for (size_t k = 0; k < K; k++) acc[m][k] = Vec{};
  const auto step = [&](auto read) {
    Vec left[M];
#pragma GCC unroll 16
    for (size_t m = 0; m < M; m++) left[m] = read(a + m * a_row);
#pragma GCC unroll 16
    for (size_t k = 0; k < K; k++) {
      const Vec right = read(b + k * b_row);
#pragma GCC unroll 16
      for (size_t m = 0; m < M; m++) acc[m][k] += left[m] * right;
    }
  };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) step([&](const float* p) { return load(p + i); });
  if (i < n) step([&](const float* p) { return load(p + i, n - i); });
#pragma GCC unroll 16
  for (size_t m = 0; m < M; m++)
#pragma GCC unroll 16
    for (size_t k = 0; k < K; k++) c[m * c_row + k] += sum(acc[m][k]);
}

template <size_t M, size_t K>
inline void dotsRow(size_t count, size_t n, const float* a, size_t a_row, const float* b, size_t b_row, float* c,
                    size_t c_row) {
  size_t k = 0;
  for (; k + K <= count; k += K) dotsTile<M, K>(n, a, a_row, b + k * b_row, b_row, c + k, c_row);
  if (K > 2 && k + 2 <= count) {
    dotsTile<M, 2>(n, a, a_row, b + k * b_row, b_row, c + k, c_row);
    k += 2;
  }
  for (; k < count; k++) dotsTile<M, 1>(n, a, a_row, b + k * b_row, b_row, c + k, c_row);
}

}  // namespace

void rows(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row,
          const float* bias, bool accumulate) {
  const RowsTask task{depth, a_row, c_row, bias, accumulate};
  size_t column = 0;
  if (m == 1)
    for (; column + wide * lanes <= n; column += wide * lanes)
      rowsTile<1, wide, false>(task, a, b + column, c + column, 0, 0);
  if (m == 2)
    for (; column + broad * lanes <= n; column += broad * lanes)
      rowsTile<2, broad, false>(task, a, b + column, c + column, 0, 0);
  if (m == 3)
    for (; column + broad * lanes <= n; column += broad * lanes)
      rowsTile<3, broad, false>(task, a, b + column, c + column, 0, 0);
  for (; column + 2 * lanes <= n; column += 2 * lanes) rowsColumn<2, false>(task, m, a, b + column, c + column, 0);
  for (; column + lanes <= n; column += lanes) rowsColumn<1, false>(task, m, a, b + column, c + column, 0);
  if (column < n) rowsColumn<1, true>(task, m, a, b + column, c + column, n - column);
}

void dots(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row) {
  for (size_t o = 0; o < depth.outer; o++) {
    const float* from = b + o * depth.outer_stride;
    float* to = c + o * depth.inner;
    size_t row = 0;
    for (; row + 4 <= m; row += 4)
      dotsRow<4, 3>(depth.inner, n, a + row * a_row, a_row, from, depth.inner_stride, to + row * c_row, c_row);
    for (; row < m; row++)
      dotsRow<1, 8>(depth.inner, n, a + row * a_row, a_row, from, depth.inner_stride, to + row * c_row, c_row);
  }
}

namespace {

void multiply(size_t m, size_t depth, const float* a, size_t a_row, const Panel& b, float* c, size_t c_row,
              bool accumulate) {
  const RowsTask task{{1, depth, 0, b.width}, a_row, c_row, nullptr, accumulate};
  if (m > 0 && b.next && b.columns == b.width) {
    if (b.width == wide * lanes && m == 1) return panelTile<1, wide>(task, a, b, c);
    if (b.width == broad * lanes && m == 2) return panelTile<2, broad>(task, a, b, c);
    if (b.width == broad * lanes && m == 3) return panelTile<3, broad>(task, a, b, c);
    if (b.width % (2 * lanes) == 0) return panelTiles(task, m, a, b, c);
  }
  rows(m, b.columns, task.depth, a, a_row, b.data, c, c_row, nullptr, accumulate);
}

constexpr PanelTable table = {multiply};

}  // namespace

}  // namespace eegtorch::kernels::EEGTORCH_ISA

namespace eegtorch::kernels {

#if EEGTORCH_LANES == 16
const PanelTable& avx512Panels() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const PanelTable& avx2Panels() { return EEGTORCH_ISA::table; }
#else
const PanelTable& baselinePanels() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
