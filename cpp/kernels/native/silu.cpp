#include "kernels/native/pixel_loops.h"
#include "kernels/native/silu_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

void forward(const float* x, size_t n, size_t channels, const float* scale, const float* shift, float* y) {
  forEachPixel(n, channels, [&](size_t offset, auto read, auto write) {
    const Vec u = read(x + offset) * read(scale) + read(shift);
    write(y + offset, u * sigmoid(u));
  });
}

void backward(const float* x, const float* grad_out, size_t n, size_t channels, const float* scale, const float* shift,
              const float* mean, float* g, double* sums, double* products) {
  forEachBlock(n, channels, [&](size_t from, size_t to, size_t c, auto read, auto write) {
    Vec total{}, product{};
    const Vec factor = read(scale + c), offset = read(shift + c), middle = read(mean + c);
    for (size_t pixel = from; pixel < to; pixel++) {
      const size_t at = pixel * channels + c;
      const Vec value = read(x + at), u = value * factor + offset, s = sigmoid(u);
      const Vec gradient = read(grad_out + at) * (s + u * s * (1.f - s));
      write(g + at, gradient);
      total += gradient;
      product += gradient * (value - middle);
    }
    addTo(sums + c, total, channels - c);
    addTo(products + c, product, channels - c);
  });
}

constexpr SiluTable table = {forward, backward};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const SiluTable& avx512Silu() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const SiluTable& avx2Silu() { return EEGTORCH_ISA::table; }
#else
const SiluTable& baselineSilu() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
