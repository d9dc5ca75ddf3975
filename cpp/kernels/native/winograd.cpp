#include "kernels/native/simd.h"
#include "kernels/native/winograd_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t kernel_weights = 9;

// A vector at c, or what is left of one.
Vec loadAt(const float* from, size_t c, size_t channels) {
  return c + lanes <= channels ? load(from + c) : load(from + c, channels - c);
}

void storeAt(float* to, size_t c, size_t channels, Vec value) {
  if (c + lanes <= channels)
    store(to + c, value);
  else
    store(to + c, value, channels - c);
}

void image(const float* const* pixels, size_t channels, float* to, size_t step) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vec rows[4][4];
    for (size_t j = 0; j < 4; j++) {
      const auto pixel = [&](size_t i) { return loadAt(pixels[4 * i + j], c, channels); };
      const Vec x0 = pixel(0), x1 = pixel(1), x2 = pixel(2), x3 = pixel(3);
      rows[0][j] = x0 - x2, rows[1][j] = x1 + x2, rows[2][j] = x2 - x1, rows[3][j] = x1 - x3;
    }
    for (size_t i = 0; i < 4; i++) {
      const Vec* x = rows[i];
      const Vec values[4] = {x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]};
      for (size_t j = 0; j < 4; j++) storeAt(to + (4 * i + j) * step, c, channels, values[j]);
    }
  }
}

// The k-th weight of each kernel in a vector of channels.
Vec gather(const float* kernels, size_t k, size_t count) {
  float values[lanes] = {};
  for (size_t lane = 0; lane < count; lane++) values[lane] = kernels[lane * kernel_weights + k];
  return load(values);
}

void spread(const Vec* from, Vec* to) {
  const Vec ends = (from[0] + from[2]) * .5f, middle = from[1] * .5f;
  to[0] = from[0], to[1] = ends + middle, to[2] = ends - middle, to[3] = from[2];
}

template <bool whole>
void weightsAt(const float* kernels, size_t c, size_t channels, float* to, size_t step) {
  const float* from = kernels + c * kernel_weights;
  Vec columns[3][4];  // of each column of the kernel
  for (size_t j = 0; j < 3; j++) {
    Vec column[3];
    for (size_t i = 0; i < 3; i++) column[i] = gather(from, 3 * i + j, whole ? lanes : channels - c);
    spread(column, columns[j]);
  }
  for (size_t i = 0; i < 4; i++) {
    const Vec row[3] = {columns[0][i], columns[1][i], columns[2][i]};
    Vec values[4];
    spread(row, values);
    for (size_t j = 0; j < 4; j++) storeAt(to + (4 * i + j) * step, c, channels, values[j]);
  }
}

void weights(const float* kernels, size_t channels, float* to, size_t step) {
  size_t c = 0;
  for (; c + lanes <= channels; c += lanes) weightsAt<true>(kernels, c, channels, to, step);
  if (c < channels) weightsAt<false>(kernels, c, channels, to, step);
}

void results(const float* from, size_t step, const float* bias, size_t channels, float* const* results) {
  for (size_t c = 0; c < channels; c += lanes) {
    const Vec offset = bias ? loadAt(bias, c, channels) : Vec{};
    Vec rows[2][4];
    for (size_t j = 0; j < 4; j++) {
      const auto value = [&](size_t i) { return loadAt(from + (4 * i + j) * step, c, channels); };
      const Vec x0 = value(0), x1 = value(1), x2 = value(2), x3 = value(3);
      rows[0][j] = x0 + x1 + x2, rows[1][j] = x1 - x2 - x3;
    }
    for (size_t i = 0; i < 2; i++) {
      const Vec* x = rows[i];
      if (results[2 * i]) storeAt(results[2 * i], c, channels, x[0] + x[1] + x[2] + offset);
      if (results[2 * i + 1]) storeAt(results[2 * i + 1], c, channels, x[1] - x[2] - x[3] + offset);
    }
  }
}

// Two values to four, as four products come from two results.
void widen(Vec first, Vec second, Vec* to) {
  to[0] = first, to[1] = first + second, to[2] = first - second, to[3] = -second;
}

void gradients(const float* const* results, size_t channels, float* to, size_t step) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vec columns[2][4];
    for (size_t j = 0; j < 2; j++)
      widen(loadAt(results[j], c, channels), loadAt(results[2 + j], c, channels), columns[j]);
    for (size_t i = 0; i < 4; i++) {
      Vec values[4];
      widen(columns[0][i], columns[1][i], values);
      for (size_t j = 0; j < 4; j++) storeAt(to + (4 * i + j) * step, c, channels, values[j]);
    }
  }
}

// Four values to three, as four transformed weights come from three.
void narrow(const Vec* from, Vec* to) {
  const Vec plus = (from[1] + from[2]) * .5f, minus = (from[1] - from[2]) * .5f;
  to[0] = from[0] + plus, to[1] = minus, to[2] = plus + from[3];
}

void kernelGradients(const float* from, size_t step, size_t channels, float* to) {
  for (size_t c = 0; c < channels; c += lanes) {
    Vec columns[4][3];
    for (size_t j = 0; j < 4; j++) {
      Vec column[4];
      for (size_t i = 0; i < 4; i++) column[i] = loadAt(from + (4 * i + j) * step, c, channels);
      narrow(column, columns[j]);
    }
    float values[kernel_weights][lanes];
    for (size_t i = 0; i < 3; i++) {
      const Vec row[4] = {columns[0][i], columns[1][i], columns[2][i], columns[3][i]};
      Vec weights[3];
      narrow(row, weights);
      for (size_t j = 0; j < 3; j++) store(values[3 * i + j], weights[j]);
    }
    const size_t count = c + lanes <= channels ? lanes : channels - c;
    for (size_t lane = 0; lane < count; lane++)
      for (size_t k = 0; k < kernel_weights; k++) to[(c + lane) * kernel_weights + k] = values[k][lane];
  }
}

constexpr WinogradTable table = {image, weights, results, gradients, kernelGradients};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const WinogradTable& avx512Winograd() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const WinogradTable& avx2Winograd() { return EEGTORCH_ISA::table; }
#else
const WinogradTable& baselineWinograd() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
