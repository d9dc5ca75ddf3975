// How loops go over pixels (n, channels) whose channels are innermost in memory.
#pragma once

#include "kernels/native/elementwise.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

// Pixels whose values are added as floats before the sums move on to doubles.
constexpr size_t stretch = 256;

// body(first pixel, one past the last, first channel, read, write) for each stretch of pixels and vector of channels,
// so that a channel's sums stay in registers.
template <class Body>
inline void forEachBlock(size_t n, size_t channels, Body body) {
  for (size_t from = 0; from < n; from += stretch) {
    const size_t to = n - from < stretch ? n : from + stretch;
    for (size_t c = 0; c < channels; c += lanes) {
      const size_t rest = channels - c;
      if (rest >= lanes)
        body(from, to, c, [](const float* p) { return load(p); }, [](float* p, Vec v) { store(p, v); });
      else
        body(
            from, to, c, [rest](const float* p) { return load(p, rest); },
            [rest](float* p, Vec v) { store(p, v, rest); });
    }
  }
}

inline void addTo(double* sums, Vec values, size_t count) {
  for (size_t i = 0; i < (count < lanes ? count : lanes); i++) sums[i] += static_cast<double>(values[i]);
}

// body(offset, read, write) for each vector of each pixel; offset: of the pixel in memory; read and write act at the
// channel's place in what they are given.
template <class Body>
inline void forEachPixel(size_t n, size_t channels, Body body) {
  for (size_t pixel = 0; pixel < n; pixel++)
    forEachVector(channels, [&](auto read, auto write) { body(pixel * channels, read, write); });
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
