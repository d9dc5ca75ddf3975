#include "kernels/native/elementwise.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

// Floats added in one vector before the sum moves on to doubles.
constexpr size_t stretch = 4096;

// The larger; NaN if either is, as LibTorch's max pooling has it.
inline Vec larger(Vec a, Vec b) { return select((a > b) | (a != a), a, b); }

size_t pooledLength(size_t n, Pool pool) { return (n - pool.kernel) / pool.stride + 1; }

// u = scale * x + shift
void affine(const float* x, size_t n, float scale, float shift, float* u) {
  forEachVector(n, [&](auto read, auto write) { write(u, read(x) * scale + shift); });
}

void poolMean(const float* z, size_t outputs, Pool pool, float* out) {
  const float factor = 1.f / static_cast<float>(pool.kernel);
  for (size_t i = 0; i < outputs; i++) {
    float total = 0;
    for (size_t j = 0; j < pool.kernel; j++) total += z[i * pool.stride + j];
    out[i] = total * factor;
  }
}

void poolMax(const float* u, size_t outputs, Pool pool, float* out) {
  for (size_t i = 0; i < outputs; i++) {
    float best = u[i * pool.stride];
    for (size_t j = 1; j < pool.kernel; j++) {
      const float value = u[i * pool.stride + j];
      best = (value > best) | (value != value) ? value : best;
    }
    out[i] = best;
  }
}

void spreadMean(const float* grad_out, size_t outputs, Pool pool, float* d) {
  const float factor = 1.f / static_cast<float>(pool.kernel);
  for (size_t i = 0; i < outputs; i++)
    for (size_t j = 0; j < pool.kernel; j++) d[i * pool.stride + j] += grad_out[i] * factor;
}

void spreadMax(const float* x, float scale, float shift, const float* grad_out, size_t outputs, Pool pool, float* d) {
  for (size_t i = 0; i < outputs; i++) {
    const float* window = x + i * pool.stride;
    size_t at = 0;
    float best = scale * window[0] + shift;
    for (size_t j = 1; j < pool.kernel; j++) {
      const float value = scale * window[j] + shift;
      const bool take = (value > best) | (value != value);
      best = take ? value : best;
      at = take ? j : at;
    }
    d[i * pool.stride + at] += grad_out[i];
  }
}

}  // namespace

double sum(const float* x, size_t n) {
  double total = 0;
  for (size_t from = 0; from < n; from += stretch) {
    Vec acc{};
    forEachVector(n - from < stretch ? n - from : stretch, [&](auto read, auto) { acc += read(x + from); });
    total += sumDouble(acc);
  }
  return total;
}

double squares(const float* x, size_t n, float centre) {
  double total = 0;
  const size_t whole = n / lanes * lanes;
  for (size_t from = 0; from < whole; from += stretch) {
    Vec acc{};
    forEachVector(whole - from < stretch ? whole - from : stretch, [&](auto read, auto) {
      const Vec d = read(x + from) - centre;
      acc += d * d;
    });
    total += sumDouble(acc);
  }
  for (size_t i = whole; i < n; i++) total += static_cast<double>(x[i] - centre) * (x[i] - centre);
  return total;
}

void elu(const float* x, float* y, size_t n) {
  forEachVector(n, [&](auto read, auto write) { write(y, elu(read(x))); });
}

double eluBackward(const float* z, float* d, size_t n) {
  Vec acc{};
  forEachVector(n, [&](auto read, auto write) {
    const Vec value = read(z), gradient = read(d);
    const Vec result = gradient * select(value > 0.f, splat(1.f), value + 1.f);
    write(d, result);
    acc += result;
  });
  return sumDouble(acc);
}

void eluPool(const float* x, size_t n, float scale, float shift, Pool pool, float* out, float* scratch) {
  const size_t outputs = pooledLength(n, pool);
  if (pool.max) {  // ELU never falls, so it can wait until one value in `stride` is left
    affine(x, n, scale, shift, scratch);
    poolMax(scratch, outputs, pool, out);
    return elu(out, out, outputs);
  }
  forEachVector(n, [&](auto read, auto write) { write(scratch, elu(read(x) * scale + shift)); });
  poolMean(scratch, outputs, pool, out);
}

void eluPoolBackward(const float* x, size_t n, float scale, float shift, float mean, Pool pool, const float* grad_out,
                     float* d, double* sums) {
  std::memset(d, 0, n * sizeof(float));
  const size_t outputs = pooledLength(n, pool);
  if (pool.max)
    spreadMax(x, scale, shift, grad_out, outputs, pool, d);
  else
    spreadMean(grad_out, outputs, pool, d);
  Vec total{}, product{};
  forEachVector(n, [&](auto read, auto write) {
    const Vec value = read(x), u = value * scale + shift;
    const Vec gradient = read(d) * select(u > 0.f, splat(1.f), exp(u));
    write(d, gradient);
    total += gradient;
    product += gradient * (value - mean);
  });
  sums[0] += sumDouble(total);
  sums[1] += sumDouble(product);
}

void normaliseBackward(const float* x, const float* g, size_t n, float scale, float offset, float slope, float mean,
                       float* d) {
  forEachVector(n, [&](auto read, auto write) { write(d, scale * read(g) - offset - slope * (read(x) - mean)); });
}

void normRelu(const float* x, const float* short_cut, size_t n, float scale, float shift, float slope, float* y) {
  const auto activated = [slope](Vec u) { return select(u < 0.f, u * slope, u); };  // NaN stays NaN
  if (short_cut == nullptr)
    forEachVector(n, [&](auto read, auto write) { write(y, activated(read(x) * scale + shift)); });
  else
    forEachVector(n, [&](auto read, auto write) { write(y, activated(read(x) * scale + shift + read(short_cut))); });
}

void normReluBackward(const float* x, const float* y, const float* grad_out, size_t n, float mean, float slope,
                      float* g, double* sums) {
  Vec total{}, product{};
  forEachVector(n, [&](auto read, auto write) {
    const Vec gradient = read(grad_out) * select(read(y) > 0.f, splat(1.f), splat(slope));
    write(g, gradient);
    total += gradient;
    product += gradient * (read(x) - mean);
  });
  sums[0] += sumDouble(total);
  sums[1] += sumDouble(product);
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
