// Long recordings taken piece by piece: on the CPU one signal at a time on every thread, on other devices as many
// signals at once as a buffer holds.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>

namespace eegtorch {

// Elements of a working buffer: small enough for a CPU's cache, large enough to keep another device busy.
inline int64_t bufferSize(const at::Tensor& x) { return x.is_cpu() ? int64_t(1) << 15 : int64_t(1) << 24; }

// body(from, to) for ranges of `rows`, each of which needs `elements` of working memory. Bodies may run at once, so
// each writes only what belongs to its rows.
template <class Body>
void overRows(const at::Tensor& x, int64_t rows, int64_t elements, const Body& body) {
  if (x.is_cpu()) {
    at::parallel_for(0, rows, 1, [&](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; row++) body(row, row + 1);
    });
    return;
  }
  const auto step = std::max<int64_t>(1, bufferSize(x) / std::max<int64_t>(1, elements));
  for (int64_t row = 0; row < rows; row += step) body(row, std::min(rows, row + step));
}

// body(from, length) for pieces of the time of x (..., channels, samples) that lie in a CPU's cache with all channels,
// on every thread; other devices take all of it at once.
template <class Body>
void overTime(const at::Tensor& x, const Body& body) {
  const auto samples = x.size(-1), signals = std::max<int64_t>(1, x.numel() / samples);
  const auto length = x.is_cpu() ? std::max<int64_t>(64, 2 * bufferSize(x) / signals) : samples;
  at::parallel_for(0, (samples + length - 1) / length, 1, [&](int64_t from, int64_t to) {
    for (int64_t piece = from; piece < to; piece++) body(piece * length, std::min(length, samples - piece * length));
  });
}

// The shape of `x` with other dimensions in place of the last `dropped`.
inline std::vector<int64_t> shapeLike(const at::Tensor& x, int64_t dropped, std::initializer_list<int64_t> added) {
  std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end() - dropped);
  shape.insert(shape.end(), added);
  return shape;
}

}  // namespace eegtorch
