#include "kernels/native/fold.h"
#include "kernels/native/softmax_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

// Calls with each vector of a row and how to read and write it; what is read beyond the last element is `rest`.
template <class Call>
inline void forEachPart(size_t n, float rest, Call call) {
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    call(i, [](const float* p) { return load(p); }, [](float* p, Vec v) { store(p, v); });
  if (i == n) return;
  const size_t tail = n - i;
  const IntVec present = firstLanes(tail);
  call(
      i, [&](const float* p) { return select(present, load(p, tail), splat(rest)); },
      [&](float* p, Vec v) { store(p, v, tail); });
}

// A NaN is met again when the sum is made.
inline Vec larger(Vec a, Vec b) { return select(a > b, a, b); }

void softmaxRow(float* x, const float* mask, size_t n, float scale) {
  constexpr float infinity = __builtin_inff();
  Vec top = splat(-infinity), total{};
  forEachPart(n, -infinity, [&](size_t i, auto read, auto write) {
    const Vec u = mask ? read(x + i) * scale + read(mask + i) : read(x + i) * scale;
    write(x + i, u);
    top = larger(top, u);
  });
  const Vec centre = splat(fold(top, larger));
  forEachPart(n, -infinity, [&](size_t i, auto read, auto write) {
    const Vec u = read(x + i) - centre;
    const Vec e = select(u < -87.f, Vec{}, exp(u));
    write(x + i, e);
    total += e;
  });
  const Vec factor = splat(1.f / fold(total, [](Vec a, Vec b) { return a + b; }));
  forEachPart(n, 0.f, [&](size_t i, auto read, auto write) { write(x + i, read(x + i) * factor); });
}

void softmax(float* x, const float* mask, size_t rows, size_t n, float scale) {
  for (size_t row = 0; row < rows; row++) softmaxRow(x + row * n, mask ? mask + row * n : nullptr, n, scale);
}

constexpr SoftmaxTable table = {softmax};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const SoftmaxTable& avx512Softmax() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const SoftmaxTable& avx2Softmax() { return EEGTORCH_ISA::table; }
#else
const SoftmaxTable& baselineSoftmax() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
