// The innermost loops of operations on signals, compiled like those of table.h: once for each set of CPU instructions.
// They run over a tile: kSideBySide signals beside each other, (samples, kSideBySide), so that recurrences in time are
// vectors across signals. Each signal's numbers depend on its own samples alone, not on where tiles begin.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

constexpr size_t kSideBySide = 16;

// Second-order section with a0 = 1.
struct Section {
  double b0, b1, b2, a1, a2;
};

// Standardising by exponentially weighted sums.
struct Moving {
  double keep;      // what a new sample leaves of the weight of those before it
  double smallest;  // bounds the deviation from below
  bool scale;       // divide by the deviation
};

struct SignalTable {
  // tile becomes what the sections make of it, in turn (transposed direct form II). state: (sections, 2, kSideBySide).
  void (*sections)(double* tile, size_t samples, const Section* sections, size_t count, double* state);
  // tile becomes its distance from the moving mean, divided by the moving deviation. state (3, kSideBySide): weight of
  // all samples so far, their sum, and that of the squared distances.
  void (*moving)(double* tile, size_t samples, const Moving& moving, double* state);
  // out[s] = sum_i taps[i] tile[i][s]
  void (*dots)(const double* tile, const double* taps, size_t count, double* out);

  // tile[t][s] = rows[s][t * step], s < count, step 1 or -1, and back; the tile's other columns are left alone.
  void (*gather)(const double* const* rows, size_t count, ptrdiff_t step, size_t samples, double* tile);
  void (*gather_float)(const float* const* rows, size_t count, ptrdiff_t step, size_t samples, double* tile);
  void (*scatter)(const double* tile, size_t count, ptrdiff_t step, size_t samples, double* const* rows);
  void (*scatter_float)(const double* tile, size_t count, ptrdiff_t step, size_t samples, float* const* rows);
};

const SignalTable& baselineSignals();
const SignalTable& avx2Signals();
const SignalTable& avx512Signals();

}  // namespace eegtorch::kernels
