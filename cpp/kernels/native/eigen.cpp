#include "kernels/native/eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/native/doubles.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

constexpr size_t kMostSweeps = 60;  // for one eigenvalue; two are usual

double dot(const double* a, const double* b, size_t n) {
  Doubles total{};
  size_t i = 0;
  for (; i + doubles <= n; i += doubles) total += loadDoubles(a + i) * loadDoubles(b + i);
  double sum = 0;
  for (size_t lane = 0; lane < doubles; lane++) sum += total[lane];
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}

// y -= factor * x
void subtract(double factor, const double* x, double* __restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] -= factor * x[i];
}

// Turns x into the v of the reflection H = 1 - tau v v' that takes x to its first axis. Returns tau.
double reflection(double* x, size_t n, double& reflected) {
  reflected = x[0];
  const double rest = dot(x + 1, x + 1, n - 1);
  if (rest == 0) return 0;
  reflected = -std::copysign(std::sqrt(x[0] * x[0] + rest), x[0]);
  x[0] -= reflected;
  return 2 / (x[0] * x[0] + rest);
}

// a becomes tridiagonal by H_n-3 .. H_0 a H_0 .. H_n-3. H_k keeps v in row k of a, behind the diagonal.
void tridiagonalise(double* a, size_t n, double* diagonal, double* beside, double* tau, double* w) {
  for (size_t k = 0; k + 2 < n; k++) {
    const size_t rest = n - 1 - k;
    double* v = a + k * n + k + 1;
    diagonal[k] = a[k * n + k];
    tau[k] = reflection(v, rest, beside[k]);
    if (tau[k] == 0) continue;
    double* block = a + (k + 1) * n + k + 1;
    for (size_t i = 0; i < rest; i++) w[i] = tau[k] * dot(block + i * n, v, rest);
    subtract(tau[k] / 2 * dot(w, v, rest), v, w, rest);
    for (size_t i = 0; i < rest; i++) {
      subtract(v[i], w, block + i * n, rest);
      subtract(w[i], v, block + i * n, rest);
    }
  }
  for (size_t k = n < 2 ? 0 : n - 2; k < n; k++) diagonal[k] = a[k * n + k];
  if (n >= 2) beside[n - 2] = a[(n - 2) * n + n - 1];
  beside[n - 1] = 0;
}

// (H_0 .. H_n-3)' as rows.
void reflectionsAsRows(const double* a, size_t n, const double* tau, double* rows) {
  std::fill_n(rows, n * n, 0.0);
  for (size_t i = 0; i < n; i++) rows[i * n + i] = 1;
  for (size_t k = n < 3 ? 0 : n - 2; k-- > 0;) {
    const double* v = a + k * n + k + 1;
    const size_t rest = n - 1 - k;
    for (size_t i = k + 1; i < n; i++) {
      double* row = rows + i * n + k + 1;
      subtract(tau[k] * dot(row, v, rest), v, row, rest);
    }
  }
}

// Turns rows i and i + 1 by the angle of (cosine[i], sine[i]), from i = last - 1 down to first. Row i + 1 stays in
// registers from one turn to the next.
template <size_t width>
void turnColumns(double* rows, size_t n, size_t first, size_t last, const double* cosine, const double* sine) {
  double carry[width];
  std::copy_n(rows + last * n, width, carry);
  for (size_t i = last; i-- > first;) {
    const double c = cosine[i], s = sine[i];
    double* row = rows + i * n;
    for (size_t j = 0; j < width; j++) {
      const double x = row[j];
      row[n + j] = s * x + c * carry[j];
      carry[j] = c * x - s * carry[j];
    }
  }
  std::copy_n(carry, width, rows + first * n);
}

void turnRows(double* rows, size_t n, size_t first, size_t last, const double* cosine, const double* sine) {
  constexpr size_t wide = 4 * doubles;
  size_t j = 0;
  for (; j + wide <= n; j += wide) turnColumns<wide>(rows + j, n, first, last, cosine, sine);
  for (; j + doubles <= n; j += doubles) turnColumns<doubles>(rows + j, n, first, last, cosine, sine);
  for (; j < n; j++) turnColumns<1>(rows + j, n, first, last, cosine, sine);
}

// One sweep of the implicit QL algorithm with Wilkinson's shift over the rows first .. last.
void sweep(double* d, double* e, size_t first, size_t last, double* cosine, double* sine) {
  const double half = (d[first + 1] - d[first]) / (2 * e[first]);
  double bulge = d[last] - d[first] + e[first] / (half + std::copysign(std::sqrt(half * half + 1), half));
  double c = 1, s = 1, moved = 0;
  for (size_t i = last; i-- > first;) {
    const double ahead = s * e[i], kept = c * e[i];
    const double length = std::sqrt(ahead * ahead + bulge * bulge);
    e[i + 1] = length;
    s = length == 0 ? 0 : ahead / length;
    c = length == 0 ? 1 : bulge / length;
    const double shifted = d[i + 1] - moved;
    const double middle = (d[i] - shifted) * s + 2 * c * kept;
    moved = s * middle;
    d[i + 1] = shifted + moved;
    bulge = c * middle - kept;
    cosine[i] = c;
    sine[i] = s;
  }
  d[first] -= moved;
  e[first] = bulge;
  e[last] = 0;
}

// The end of the block that begins at `first`: what is beside its last element is nothing.
size_t endOfBlock(const double* d, const double* e, size_t first, size_t n) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  for (size_t i = first; i + 1 < n; i++)
    if (std::abs(e[i]) <= epsilon * (std::abs(d[i]) + std::abs(d[i + 1]))) return i;
  return n - 1;
}

}  // namespace

bool eigen(double* matrix, size_t n, double* values, double* vectors, double* work) {
  double largest = 0;
  for (size_t i = 0; i < n * n; i++) largest = std::max(largest, std::abs(matrix[i]));
  const double scale = largest > 0 ? 1 / largest : 1;  // squares neither vanish nor overflow
  for (size_t i = 0; i < n * n; i++) matrix[i] *= scale;
  double *beside = work, *cosine = work + n, *sine = work + 2 * n;
  tridiagonalise(matrix, n, values, beside, cosine, sine);
  if (vectors) reflectionsAsRows(matrix, n, cosine, vectors);
  for (size_t first = 0; first < n; first++) {
    size_t sweeps = 0;
    for (size_t last; (last = endOfBlock(values, beside, first, n)) != first;) {
      if (sweeps++ == kMostSweeps) return false;
      sweep(values, beside, first, last, cosine, sine);
      if (vectors) turnRows(vectors, n, first, last, cosine, sine);
    }
  }
  for (size_t i = 0; i < n; i++) values[i] *= largest > 0 ? largest : 1;
  return true;
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
