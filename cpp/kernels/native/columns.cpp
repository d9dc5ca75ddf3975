#include "kernels/native/columns.h"

#include "kernels/native/pixel_loops.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

void columnSums(const float* x, const float* centre, size_t n, size_t channels, double* sums) {
  forEachBlock(n, channels, [&](size_t from, size_t to, size_t c, auto read, auto) {
    Vec total{};
    if (centre == nullptr) {
      for (size_t pixel = from; pixel < to; pixel++) total += read(x + pixel * channels + c);
    } else {
      const Vec middle = read(centre + c);
      for (size_t pixel = from; pixel < to; pixel++) {
        const Vec apart = read(x + pixel * channels + c) - middle;
        total += apart * apart;
      }
    }
    addTo(sums + c, total, channels - c);
  });
}

void normReluColumns(const float* x, size_t n, size_t channels, const float* scale, const float* shift, float slope,
                     float* y) {
  forEachPixel(n, channels, [&](size_t offset, auto read, auto write) {
    const Vec u = read(x + offset) * read(scale) + read(shift);
    write(y + offset, select(u < 0.f, u * slope, u));  // NaN stays NaN
  });
}

void normReluBackwardColumns(const float* x, const float* y, const float* grad_out, size_t n, size_t channels,
                             const float* mean, float slope, float* g, double* sums, double* products) {
  forEachBlock(n, channels, [&](size_t from, size_t to, size_t c, auto read, auto write) {
    Vec total{}, product{};
    const Vec middle = read(mean + c);
    for (size_t pixel = from; pixel < to; pixel++) {
      const size_t at = pixel * channels + c;
      const Vec gradient = read(grad_out + at) * select(read(y + at) > 0.f, splat(1.f), splat(slope));
      write(g + at, gradient);
      total += gradient;
      product += gradient * (read(x + at) - middle);
    }
    addTo(sums + c, total, channels - c);
    addTo(products + c, product, channels - c);
  });
}

void normaliseBackwardColumns(const float* x, const float* g, size_t n, size_t channels, const float* scale,
                              const float* offset, const float* slope, const float* mean, float* d) {
  forEachPixel(n, channels, [&](size_t at, auto read, auto write) {
    write(d + at, read(scale) * read(g + at) - read(offset) - read(slope) * (read(x + at) - read(mean)));
  });
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
