// Loops over one row of numbers. Meanings are in table.h.
#pragma once

#include "kernels/native/simd.h"
#include "kernels/native/table.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

double sum(const float* x, size_t n);
double squares(const float* x, size_t n, float centre);
void elu(const float* x, float* y, size_t n);
double eluBackward(const float* z, float* d, size_t n);
void eluPool(const float* x, size_t n, float scale, float shift, Pool pool, float* out, float* scratch);
void eluPoolBackward(const float* x, size_t n, float scale, float shift, float mean, Pool pool, const float* grad_out,
                     float* d, double* sums);
void normaliseBackward(const float* x, const float* g, size_t n, float scale, float offset, float slope, float mean,
                       float* d);
void normRelu(const float* x, const float* short_cut, size_t n, float scale, float shift, float slope, float* y);
void normReluBackward(const float* x, const float* y, const float* grad_out, size_t n, float mean, float slope,
                      float* g, double* sums);
void dropout(const float* x, float* y, size_t n, uint64_t seed, uint64_t first, float probability);

// Calls f(index, read, write) for each whole vector and once for the rest, where read(p) and write(p, v) act at index.
template <class F>
inline void forEachVector(size_t n, F f) {
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    f([i](const float* p) { return load(p + i); }, [i](float* p, Vec v) { store(p + i, v); });
  if (i < n)
    f([i, n](const float* p) { return load(p + i, n - i); }, [i, n](float* p, Vec v) { store(p + i, v, n - i); });
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
