// LSTM: Hochreiter and Schmidhuber 1997; GRU: Cho et al. 2014; simple cells: Elman 1990. Equations as in LibTorch.
#include "kernels/native/cells.h"

#include "kernels/native/elementwise.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

// 1 / (1 + e^-x) and 1 / (1 + e^-y) with one reciprocal. Beyond -40 both are as good as 0, and the product of the
// denominators stays finite.
inline void sigmoids(Vec& x, Vec& y) {
  const Vec a = 1.f + exp(-x, 40.f), b = 1.f + exp(-y, 40.f), both = reciprocal(a * b);
  x = both * b;
  y = both * a;
}

// body(read, write, state after, gradient of it from within, and from outside, gradient at the product) of each row.
template <class Body>
inline void forEachStateBackward(const CellStepBackward& step, Body body) {
  const size_t hidden = step.hidden;
  for (size_t row = 0; row < step.rows; row++) {
    const float *after = step.after + row * hidden, *outer = step.outer + row * step.outer_row;
    const float* dstate = step.dstate + row * hidden;
    float* d = step.d + row * hidden;
    forEachVector(hidden, [&](auto read, auto write) { body(read, write, after, dstate, outer, d); });
  }
}

}  // namespace

// In two passes over a row: a processor that looks a few hundred operations ahead then works on more numbers at a time
// than where each has to wait for one exponential after another.
void lstmStep(const CellStep& step) {
  const size_t hidden = step.hidden;
  for (size_t row = 0; row < step.rows; row++) {
    float *in = step.gates + row * 4 * hidden, *forget = in + hidden, *cell = forget + hidden, *out = cell + hidden;
    const float* c_before = step.cell_before + row * hidden;
    float *c = step.cell + row * hidden, *h = step.after + row * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      Vec i = read(in), f = read(forget), g = 2.f * read(cell), o = read(out);
      sigmoids(i, f);
      sigmoids(g, o);
      g = 2.f * g - 1.f;
      write(c, f * read(c_before) + i * g);
      write(h, o);
      if (!step.keeps_gates) return;
      write(in, i);
      write(forget, f);
      write(cell, g);
      write(out, o);
    });
    forEachVector(hidden, [&](auto read, auto write) { write(h, read(h) * tanh(read(c))); });
  }
}

void lstmStepBackward(const CellStepBackward& step) {
  const size_t hidden = step.hidden;
  for (size_t row = 0; row < step.rows; row++) {
    const float *in = step.gates + row * 4 * hidden, *forget = in + hidden, *cell = forget + hidden;
    const float *out = cell + hidden, *c_before = step.cell_before + row * hidden, *c = step.cell + row * hidden;
    const float *dh = step.dstate + row * hidden, *outer = step.outer + row * step.outer_row;
    float *dc = step.dcell + row * hidden, *d = step.d + row * 4 * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      const Vec i = read(in), f = read(forget), g = read(cell), o = read(out);
      const Vec squashed = tanh(read(c)), from_h = read(dh) + read(outer);
      const Vec state = read(dc) + from_h * o * (1.f - squashed * squashed);
      write(d, state * g * i * (1.f - i));
      write(d + hidden, state * read(c_before) * f * (1.f - f));
      write(d + 2 * hidden, state * i * (1.f - g * g));
      write(d + 3 * hidden, from_h * squashed * o * (1.f - o));
      write(dc, state * f);
    });
  }
}

// n = tanh(input + r * product), and the state after is n + z * (state before - n). In two passes, as above.
void gruStep(const CellStep& step) {
  const size_t hidden = step.hidden;
  for (size_t row = 0; row < step.rows; row++) {
    float *fresh = step.gates + row * 4 * hidden, *reset = fresh + hidden, *keep = reset + hidden;
    const float *product = keep + hidden, *before = step.before + row * hidden;
    float* after = step.after + row * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      Vec r = read(reset), z = read(keep);
      sigmoids(r, z);
      write(fresh, read(fresh) + r * read(product));
      write(reset, r);
      write(keep, z);
    });
    forEachVector(hidden, [&](auto read, auto write) {
      const Vec n = tanh(read(fresh));
      write(after, n + read(keep) * (read(before) - n));
      write(fresh, n);
    });
  }
}

void gruStepBackward(const CellStepBackward& step) {
  const size_t hidden = step.hidden;
  for (size_t row = 0; row < step.rows; row++) {
    const float *fresh = step.gates + row * 4 * hidden, *reset = fresh + hidden, *keep = reset + hidden;
    const float *product = keep + hidden, *before = step.before + row * hidden;
    const float* outer = step.outer + row * step.outer_row;
    float *dstate = step.dstate + row * hidden, *d = step.d + row * 4 * hidden;
    forEachVector(hidden, [&](auto read, auto write) {
      const Vec n = read(fresh), r = read(reset), z = read(keep), from_state = read(dstate) + read(outer);
      const Vec dn = from_state * (1.f - z) * (1.f - n * n);
      write(d, dn);
      write(d + hidden, dn * read(product) * r * (1.f - r));
      write(d + 2 * hidden, from_state * (read(before) - n) * z * (1.f - z));
      write(d + 3 * hidden, dn * r);
      write(dstate, from_state * z);
    });
  }
}

void tanhStep(const CellStep& step) {
  forEachVector(step.rows * step.hidden, [&](auto read, auto write) { write(step.after, tanh(read(step.gates))); });
}

void tanhStepBackward(const CellStepBackward& step) {
  forEachStateBackward(
      step, [](auto read, auto write, const float* after, const float* dstate, const float* outer, float* d) {
        const Vec h = read(after);
        write(d, (read(dstate) + read(outer)) * (1.f - h * h));
      });
}

// NaN stays NaN, as in LibTorch.
void reluStep(const CellStep& step) {
  forEachVector(step.rows * step.hidden, [&](auto read, auto write) {
    const Vec x = read(step.gates);
    write(step.after, select(x < 0.f, Vec{}, x));
  });
}

void reluStepBackward(const CellStepBackward& step) {
  forEachStateBackward(step, [](auto read, auto write, const float* after, const float* dstate, const float* outer,
                                float* d) { write(d, select(read(after) > 0.f, read(dstate) + read(outer), Vec{})); });
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
