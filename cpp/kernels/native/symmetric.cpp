#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/native/doubles.h"
#include "kernels/native/symmetric_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t kMostSweeps = 60;                          // for one eigenvalue; two are usual
constexpr size_t kRows = 4, kColumns = lanes < 16 ? 2 : 4;  // of a product, which stay in registers

typedef int64_t Mask __attribute__((vector_size(sizeof(Doubles))));

inline Mask signOf(Doubles x) { return (Mask)x & std::numeric_limits<int64_t>::min(); }
inline Doubles absolute(Doubles x) { return (Doubles)((Mask)x ^ signOf(x)); }
inline Doubles withSign(Doubles size, Doubles sign) { return (Doubles)((Mask)absolute(size) | signOf(sign)); }

inline Doubles get(const double* x, size_t i) { return loadDoubles(x + i * doubles); }
inline void put(double* x, size_t i, Doubles v) { storeDoubles(x + i * doubles, v); }
inline double* rowAt(double* matrices, size_t i, size_t n) { return matrices + i * rowOf(n) * doubles; }

// The sum of term(j) for j from .. to - 1; no addition waits for the one before.
template <class Term>
inline Doubles sumOf(size_t from, size_t to, const Term& term) {
  constexpr size_t several = 4;
  Doubles sums[several] = {};
  for (; from + several <= to; from += several)
    for (size_t s = 0; s < several; s++) sums[s] += term(from + s);
  for (; from < to; from++) sums[0] += term(from);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// write(i, j, sum over k < n of left(i, k) right(k, j)) for rows i .. i + rows - 1 and as many columns.
template <size_t rows, size_t columns, class Left, class Right, class Write>
inline void tile(size_t n, size_t i, size_t j, const Left& left, const Right& right, const Write& write) {
  Doubles sums[rows][columns] = {};
  for (size_t k = 0; k < n; k++)
    for (size_t r = 0; r < rows; r++) {
      const auto factor = left(i + r, k);
      for (size_t c = 0; c < columns; c++) sums[r][c] += factor * right(k, j + c);
    }
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++) write(i + r, j + c, sums[r][c]);
}

template <size_t rows, class Left, class Right, class Write>
inline void strip(size_t n, size_t i, size_t j, const Left& left, const Right& right, const Write& write) {
  for (; j + kColumns <= n; j += kColumns) tile<rows, kColumns>(n, i, j, left, right, write);
  for (; j < n; j++) tile<rows, 1>(n, i, j, left, right, write);
}

// All of a product, or its tiles that are not wholly below the diagonal.
template <bool upper, class Left, class Right, class Write>
inline void product(size_t n, const Left& left, const Right& right, const Write& write) {
  const auto begin = [](size_t i) { return upper ? i / kColumns * kColumns : 0; };
  size_t i = 0;
  for (; i + kRows <= n; i += kRows) strip<kRows>(n, i, begin(i), left, right, write);
  for (; i < n; i++) strip<1>(n, i, begin(i), left, right, write);
}

void sandwich(size_t n, const double* outer, const double* inner, double* between, double* out) {
  const size_t row = rowOf(n);
  const auto shared = [&](size_t i, size_t j) { return outer[i * n + j]; };
  const auto upper = [&](size_t i, size_t j) { return get(inner, std::min(i, j) * row + std::max(i, j)); };
  product<false>(n, upper, shared, [&](size_t i, size_t j, Doubles v) { put(between, i * row + j, v); });
  const auto right = [&](size_t i, size_t j) { return get(between, i * row + j); };
  product<true>(n, shared, right, [&](size_t i, size_t j, Doubles v) { put(out, i * row + j, v); });
}

void compose(size_t n, const double* vectors, const double* numbers, double* out) {
  const size_t row = rowOf(n);
  const auto left = [&](size_t i, size_t k) { return get(vectors, k * row + i) * get(numbers, k); };
  const auto right = [&](size_t k, size_t j) { return get(vectors, k * row + j); };
  product<true>(n, left, right, [&](size_t i, size_t j, Doubles v) { put(out, i * row + j, v); });
}

// Turns x[first .. n - 1] into the v of the reflection H = 1 - tau v v' that takes it to its first axis. Returns tau.
Doubles reflection(double* x, size_t first, size_t n, double* reflected) {
  const Doubles head = get(x, first);
  const Doubles rest = sumOf(first + 1, n, [&](size_t j) { return get(x, j) * get(x, j); });
  const Doubles length = withSign(root(head * head + rest), -head), v = head - length;
  put(reflected, 0, rest == 0 ? head : length);
  put(x, first, v);
  return rest == 0 ? Doubles{} : 2 / (v * v + rest);
}

// The upper triangles become tridiagonal by H_n-3 .. H_0 a H_0 .. H_n-3. H_k keeps v in row k, behind the diagonal. A
// row is changed by the reflection before when the next one needs it.
void tridiagonalise(double* a, size_t n, double* diagonal, double* beside, double* tau, double* w, double* before) {
  const auto change = [&](size_t i, size_t k) {
    double *own = rowAt(a, i, n), *v = rowAt(a, k, n);
    const Doubles vi = get(v, i), wi = get(before, i);
    for (size_t j = i; j < n; j++) put(own, j, get(own, j) - vi * get(before, j) - wi * get(v, j));
  };
  for (size_t k = 0; k + 2 < n; k++) {
    if (k > 0) change(k, k - 1);
    double* v = rowAt(a, k, n);
    put(diagonal, k, get(v, k));
    const Doubles factor = reflection(v, k + 1, n, beside + k * doubles);
    put(tau, k, factor);
    std::fill(w + (k + 1) * doubles, w + n * doubles, 0.0);
    for (size_t i = k + 1; i < n; i++) {
      if (k > 0) change(i, k - 1);
      const double* own = rowAt(a, i, n);
      const Doubles vi = get(v, i);
      const Doubles sum = sumOf(i + 1, n, [&](size_t j) {
        const Doubles number = get(own, j);
        put(w, j, get(w, j) + number * vi);
        return number * get(v, j);
      });
      put(w, i, get(w, i) + sum + get(own, i) * vi);
    }
    const Doubles along = sumOf(k + 1, n, [&](size_t j) { return get(w, j) * get(v, j); }) * factor * factor / 2;
    for (size_t j = k + 1; j < n; j++) put(w, j, factor * get(w, j) - along * get(v, j));
    std::swap(w, before);
  }
  for (size_t k = n < 2 ? 0 : n - 2; k < n; k++) {
    if (n > 2) change(k, n - 3);
    put(diagonal, k, get(rowAt(a, k, n), k));
  }
  if (n >= 2) put(beside, n - 2, get(rowAt(a, n - 2, n), n - 1));
  put(beside, n - 1, Doubles{});
}

// (H_0 .. H_n-3)' as rows.
void reflectionsAsRows(double* a, size_t n, const double* tau, double* rows) {
  std::fill_n(rows, n * rowOf(n) * doubles, 0.0);
  for (size_t i = 0; i < n; i++) put(rowAt(rows, i, n), i, Doubles{} + 1);
  for (size_t k = n < 3 ? 0 : n - 2; k-- > 0;) {
    const double* v = rowAt(a, k, n);
    for (size_t i = k + 1; i < n; i++) {
      double* row = rowAt(rows, i, n);
      const Doubles along = get(tau, k) * sumOf(k + 1, n, [&](size_t j) { return get(row, j) * get(v, j); });
      for (size_t j = k + 1; j < n; j++) put(row, j, get(row, j) - along * get(v, j));
    }
  }
}

// The first block of each matrix in which something is beside the diagonal: its ends, numbers there, and what is beside
// the first of them. Where there is none, both ends are n.
struct Blocks {
  Mask first, last;
  Doubles begin, second, end, beside;
};

inline Mask indices(size_t i) { return Mask{} + static_cast<int64_t>(i); }

Blocks firstBlocks(size_t n, const double* d, const double* e) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  const Doubles one = Doubles{} + 1;
  Blocks found{indices(n), indices(n), one, one, one, one};
  Mask end_at = indices(n - 1);
  Doubles end = get(d, n - 1);
  for (size_t i = n - 1; i-- > 0;) {
    const Doubles number = get(d, i), next = get(d, i + 1), beside = get(e, i);
    const Mask small = absolute(beside) <= epsilon * (absolute(number) + absolute(next));
    found = {small ? found.first : indices(i), small ? found.last : end_at, small ? found.begin : number,
             small ? found.second : next,      small ? found.end : end,     small ? found.beside : beside};
    end_at = small ? indices(i) : end_at;
    end = small ? number : end;
  }
  return found;
}

// From the first row of any of the blocks to one past the last.
std::pair<size_t, size_t> span(const Blocks& blocks, size_t n) {
  size_t first = n, last = 0;
  for (size_t lane = 0; lane < doubles; lane++) {
    const auto own = static_cast<size_t>(blocks.first[lane]);
    first = std::min(first, own);
    if (own < n) last = std::max(last, static_cast<size_t>(blocks.last[lane]));
  }
  return {first, last};
}

// Rows i and i + 1 by an angle.
inline void turnRows(double* rows, size_t n, size_t i, Doubles cosine, Doubles sine) {
  double *upper = rowAt(rows, i, n), *lower = rowAt(rows, i + 1, n);
  for (size_t j = 0; j < n; j++) {
    const Doubles x = get(upper, j), y = get(lower, j);
    put(lower, j, sine * x + cosine * y);
    put(upper, j, cosine * x - sine * y);
  }
}

// One sweep of the implicit QL algorithm with Wilkinson's shift over the block of each matrix; a matrix waits where its
// block is not. Rows of the eigenvectors are turned one step later, while the next angle's square root is taken.
void sweep(double* d, double* e, const Blocks& blocks, size_t first, size_t last, double* vectors, size_t n) {
  const Doubles one = Doubles{} + 1, half = (blocks.second - blocks.begin) / (2 * blocks.beside);
  Doubles bulge = blocks.end - blocks.begin + blocks.beside / (half + withSign(root(half * half + 1), half));
  Doubles c = one, s = one, moved{}, turned_c = one, turned_s{};
  for (size_t i = last; i-- > first;) {
    const Mask within = (blocks.first <= indices(i)) & (blocks.last > indices(i));
    const Mask at_begin = blocks.first == indices(i), at_end = blocks.last == indices(i + 1);
    const Doubles own = get(e, i), after = get(e, i + 1), number = get(d, i), next = get(d, i + 1);
    const Doubles ahead = s * own, kept = c * own;
    const Doubles length = root(ahead * ahead + bulge * bulge);
    const Doubles sine = length == 0 ? Doubles{} : ahead / length, cosine = length == 0 ? one : bulge / length;
    const Doubles shifted = next - moved;
    const Doubles middle = (number - shifted) * sine + 2 * cosine * kept, far = sine * middle;
    moved = within ? far : moved;
    bulge = within ? cosine * middle - kept : bulge;
    put(e, i + 1, within ? (at_end ? Doubles{} : length) : after);
    put(d, i + 1, within ? shifted + far : next);
    put(e, i, at_begin ? bulge : own);
    put(d, i, at_begin ? number - moved : number);
    if (vectors && i + 1 < last) turnRows(vectors, n, i + 1, turned_c, turned_s);
    turned_c = c = within ? cosine : one;
    turned_s = within ? sine : Doubles{};
    s = within ? sine : one;
  }
  if (vectors) turnRows(vectors, n, first, turned_c, turned_s);
}

Doubles largestOf(double* a, size_t n) {
  Doubles largest{};
  for (size_t i = 0; i < n; i++)
    for (size_t j = i; j < n; j++) {
      const Doubles size = absolute(get(rowAt(a, i, n), j));
      largest = size > largest ? size : largest;
    }
  return largest;
}

bool eigen(double* matrices, size_t n, double* values, double* vectors, double* work) {
  const Doubles largest = largestOf(matrices, n), one = Doubles{} + 1;
  const Doubles scale = largest > 0 ? one / largest : one;  // squares neither vanish nor overflow
  for (size_t i = 0; i < n; i++)
    for (size_t j = i; j < n; j++) put(rowAt(matrices, i, n), j, scale * get(rowAt(matrices, i, n), j));
  double *beside = work, *tau = work + n * doubles, *w = work + 2 * n * doubles, *before = work + 3 * n * doubles;
  tridiagonalise(matrices, n, values, beside, tau, w, before);
  if (vectors) reflectionsAsRows(matrices, n, tau, vectors);
  for (size_t sweeps = 0;; sweeps++) {
    const Blocks blocks = firstBlocks(n, values, beside);
    const auto [first, last] = span(blocks, n);
    if (first == n) break;
    if (sweeps == kMostSweeps * n) return false;
    sweep(values, beside, blocks, first, last, vectors, n);
  }
  for (size_t i = 0; i < n; i++) put(values, i, get(values, i) * (largest > 0 ? largest : one));
  return true;
}

constexpr SymmetricTable table = {doubles, sandwich, eigen, compose};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const SymmetricTable& avx512Symmetric() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const SymmetricTable& avx2Symmetric() { return EEGTORCH_ISA::table; }
#else
const SymmetricTable& baselineSymmetric() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
