#include "kernels/native/elementwise.h"
#include "kernels/native/fold.h"
#include "kernels/native/row_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

// To 4e-7: a rational function where the result is not 1 or -1 to the last place.
inline Vec erf(Vec x) {
  const Vec limit = splat(4.f), clamped = select(x < -limit, -limit, select(x > limit, limit, x));
  const Vec square = clamped * clamped;
  Vec p = splat(-2.72614225801306e-10f);
  p = p * square + 2.77068142495902e-08f;
  p = p * square - 2.10102402082508e-06f;
  p = p * square - 5.69250639462346e-05f;
  p = p * square - 7.34990630326855e-04f;
  p = p * square - 2.95459980854025e-03f;
  p = p * square - 1.60960333262415e-02f;
  Vec q = splat(-1.45660718464996e-05f);
  q = q * square - 2.13374055278905e-04f;
  q = q * square - 1.68282697438203e-03f;
  q = q * square - 7.37332916720468e-03f;
  q = q * square - 1.42647390514189e-02f;
  const Vec inner = clamped * p / q;
  return select(x > limit, splat(1.f), select(x < -limit, splat(-1.f), inner));
}

inline Vec gelu(Vec x) { return 0.5f * x * (1.f + erf(x * 0.70710678118655f)); }

void finish(float* y, const float* bias, const float* added, size_t n, Activation activation) {
  const auto each = [&](auto activate) {
    forEachVector(n, [&](auto read, auto write) {
      const Vec u = activate(bias ? read(y) + read(bias) : read(y));
      write(y, added ? u + read(added) : u);
    });
  };
  if (activation.gelu)
    each([](Vec u) { return gelu(u); });
  else if (activation.slope == 1)
    each([](Vec u) { return u; });
  else
    each([slope = static_cast<float>(activation.slope)](Vec u) {
      return select(u < 0.f, u * slope, u);
    });  // NaN stays NaN
}

// Calls with each vector of a row and how many of its numbers there are.
template <class Call>
inline void forEachCounted(const float* x, size_t n, Call call) {
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) call(load(x + i), lanes);
  if (i < n) call(load(x + i, n - i), n - i);
}

void layerNormRow(const float* x, float* y, const LayerNormTask& task) {
  const auto count = static_cast<float>(task.n);
  const auto add = [](Vec a, Vec b) { return a + b; };
  Vec total{}, squares{};
  forEachCounted(x, task.n, [&](Vec v, size_t) { total += v; });
  const float mean = fold(total, add) / count;
  forEachCounted(x, task.n, [&](Vec v, size_t numbers) {
    const Vec apart = v - mean;
    squares += select(firstLanes(numbers), apart * apart, Vec{});
  });
  const float scale = 1.f / __builtin_sqrtf(fold(squares, add) / count + task.eps);
  forEachVector(task.n, [&](auto read, auto write) {
    Vec u = (read(x) - mean) * scale;
    if (task.weight) u = u * read(task.weight);
    if (task.bias) u = u + read(task.bias);
    write(y, task.gelu ? gelu(u) : u);
  });
}

void layerNorm(const float* x, float* y, const LayerNormTask& task) {
  for (size_t row = 0; row < task.rows; row++) layerNormRow(x + row * task.n, y + row * task.n, task);
}

void largest(const float* x, float* y, size_t rows, size_t n) {
  forEachVector(n, [&](auto read, auto write) {
    Vec most = read(x);
    for (size_t row = 1; row < rows; row++) {
      const Vec other = read(x + row * n);
      most = select((other > most) | (other != other), other, most);
    }
    write(y, most);
  });
}

constexpr RowTable table = {finish, layerNorm, largest};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const RowTable& avx512Rows() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const RowTable& avx2Rows() { return EEGTORCH_ISA::table; }
#else
const RowTable& baselineRows() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
