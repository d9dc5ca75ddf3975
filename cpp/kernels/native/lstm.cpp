// Hochreiter and Schmidhuber 1997; gates in LibTorch's order: input, forget, cell, output.
#include "kernels/native/elementwise.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

// 1 / (1 + e^-x) and 1 / (1 + e^-y) with one division, the slowest operation here. Beyond -40 both are as good as 0,
// and the product of the denominators stays finite.
inline void sigmoids(Vec& x, Vec& y) {
  const Vec lowest = splat(-40.f);
  const Vec a = 1.f + exp(-select(x < lowest, lowest, x)), b = 1.f + exp(-select(y < lowest, lowest, y));
  const Vec both = 1.f / (a * b);
  x = both * b;
  y = both * a;
}

}  // namespace

void lstmGates(float* gates, const float* c_before, float* c, float* h, size_t rows, size_t hidden) {
  for (size_t row = 0; row < rows; row++, gates += 4 * hidden, c_before += hidden, c += hidden, h += hidden) {
    float *in = gates, *forget = gates + hidden, *cell = gates + 2 * hidden, *out = gates + 3 * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      Vec i = read(in), f = read(forget), g = 2.f * read(cell), o = read(out);
      sigmoids(i, f);
      sigmoids(g, o);
      g = 2.f * g - 1.f;
      const Vec state = f * read(c_before) + i * g;
      write(c, state);
      write(h, o * tanh(state));
      write(in, i);
      write(forget, f);
      write(cell, g);
      write(out, o);
    });
  }
}

void lstmGatesBackward(const float* gates, const float* c_before, const float* c, const float* dh, float* dc, float* d,
                       size_t rows, size_t hidden) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = gates, *forget = gates + hidden, *cell = gates + 2 * hidden, *out = gates + 3 * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      const Vec i = read(in), f = read(forget), g = read(cell), o = read(out);
      const Vec squashed = tanh(read(c)), from_h = read(dh);
      const Vec state = read(dc) + from_h * o * (1.f - squashed * squashed);
      write(d, state * g * i * (1.f - i));
      write(d + hidden, state * read(c_before) * f * (1.f - f));
      write(d + 2 * hidden, state * i * (1.f - g * g));
      write(d + 3 * hidden, from_h * squashed * o * (1.f - o));
      write(dc, state * f);
    });
    gates += 4 * hidden, d += 4 * hidden;
    c_before += hidden, c += hidden, dh += hidden, dc += hidden;
  }
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
