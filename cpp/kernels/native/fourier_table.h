// Fourier transforms of kTogether complex signals beside each other, compiled like the loops of table.h: once for each
// set of CPU instructions. A point of a tile is kTogether real parts, then as many imaginary ones.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

constexpr size_t kTogether = 8, kPoint = 2 * kTogether;

// One step of Stockham's algorithm, which leaves frequencies in order: radix * parts * span points.
struct FourierStage {
  size_t radix, parts, span;
  const double* turns;  // (parts, radix - 1, 2): e^(-2 pi i p k / (radix * parts)), k = 1 .. radix - 1
  const double* roots;  // (radix, 2): e^(-2 pi i k / radix)
};

struct FourierTable {
  // radix is 2, 3, 4, 5, 7, 11 or 13. to is another tile.
  void (*stage)(const FourierStage& stage, const double* from, double* to);
  // tile[p] = x[p * step .. p * step + count - 1] of interleaved complex numbers, count <= kTogether; the rest is 0.
  // swapped: real and imaginary parts change places, which makes an inverse transform out of a forward one.
  void (*gather)(const double* x, size_t step, size_t points, size_t count, bool swapped, double* tile);
  // The same back, times scale.
  void (*scatter)(const double* tile, size_t points, size_t count, bool swapped, double scale, double* x, size_t step);
  // Turns kTogether points from `from`, each by own[0] + own[1] i and by the kTogether turns of `each`, and
  // exchanges points and signals: signal j becomes the point to + j * kPoint.
  void (*exchange)(const double* from, const double* own, const double* each, double* to);
  // Two real signals as real and imaginary parts, each its own array. tile[p] = samples p * step .. p * step + count -
  // 1, the rest 0, and back.
  void (*take)(const double* re, const double* im, size_t step, size_t points, size_t count, double* tile);
  void (*give)(const double* tile, size_t points, size_t count, double* re, double* im, size_t step);
  // The same where samples p, row + p, 2 row + p, ... are a point.
  void (*takeRows)(const double* re, const double* im, size_t row, size_t points, size_t count, double* tile);
  void (*giveRows)(const double* tile, size_t points, size_t count, double* re, double* im, size_t row);
  // Turns point p by own[2 p] + own[2 p + 1] i and by the kTogether turns of `each` for it.
  void (*turn)(size_t points, const double* own, const double* each, double* tile);
  // The product with `factors`, as many points, its real and imaginary parts exchanged.
  void (*multiply)(size_t points, const double* factors, double* tile);
  // Multiplies n numbers by the power of two that brings the largest between 1 and 2. Returns what undoes it; where one
  // is not finite, they become 0, and the result is NaN.
  double (*normalise)(double* x, size_t n);
  // out = the lengths of n vectors (x, factor * y). out may be y.
  void (*magnitude)(const double* x, const double* y, double factor, double* out, size_t n);
};

const FourierTable& baselineFourier();
const FourierTable& avx2Fourier();
const FourierTable& avx512Fourier();

}  // namespace eegtorch::kernels
