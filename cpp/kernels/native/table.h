// The innermost loops, as plain functions on plain memory. Each source file in this folder is compiled once for each
// set of CPU instructions; kernels/dispatch.h picks one table at run time. Nothing here may include LibTorch: an inline
// function compiled for AVX-512 could be the copy that the linker keeps for everyone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eegtorch::kernels {

// The inner dimension of a product, in two levels, so that a convolution is a product over (channel, tap) whose second
// operand overlaps itself. An ordinary matrix has outer = 1 and inner_stride = its row length.
struct Depth {
  size_t outer, inner;
  size_t outer_stride, inner_stride;  // in the second operand; the first operand is contiguous over (outer, inner)
};

// How a row is pooled after batch norm and ELU.
struct Pool {
  size_t kernel, stride;
  bool max;  // largest value; else the mean
};

struct KernelTable {
  const char* name;
  size_t lanes;  // floats in a vector register

  // c[m][n] = sum_(o,i) a[m][o, i] b[o * outer_stride + i * inner_stride + n]  (+ bias[m], + c when accumulating)
  void (*rows)(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row,
               const float* bias, bool accumulate);
  // c[m][o, i] += sum_n a[m][n] b[o * outer_stride + i * inner_stride + n]
  void (*dots)(size_t m, size_t n, Depth depth, const float* a, size_t a_row, const float* b, float* c, size_t c_row);

  // Sum of x, and sum of (x - centre)^2.
  double (*sum)(const float* x, size_t n);
  double (*squares)(const float* x, size_t n, float centre);

  // y = elu(x), in place allowed.
  void (*elu)(const float* x, float* y, size_t n);
  // d = d * elu'(x) given z = elu(x): 1 where z > 0, z + 1 elsewhere. Returns the sum of d.
  double (*elu_backward)(const float* z, float* d, size_t n);

  // out = pool(elu(scale * x + shift)) of one row of n samples; scratch: n floats.
  void (*elu_pool)(const float* x, size_t n, float scale, float shift, Pool pool, float* out, float* scratch);
  // d = gradient of the above with respect to scale * x + shift; sums[0] += sum d, sums[1] += sum d * (x - mean).
  void (*elu_pool_backward)(const float* x, size_t n, float scale, float shift, float mean, Pool pool,
                            const float* grad_out, float* d, double* sums);
  // d = scale * d - offset - slope * (x - mean): batch norm's gradient from that of its output.
  void (*normalise_backward)(const float* x, size_t n, float scale, float offset, float slope, float mean, float* d);

  // y = x * mask / (1 - probability); the mask of element i depends on seed and i alone. first: index of x[0], a
  // multiple of 64. probability < 1.
  void (*dropout)(const float* x, float* y, size_t n, uint64_t seed, uint64_t first, float probability);

  // One LSTM time step for `rows` sequences: gates (rows, 4 * hidden) hold the input products and become i, f, g, o.
  void (*lstm_gates)(float* gates, const float* c_before, float* c, float* h, size_t rows, size_t hidden);
  // d (rows, 4 * hidden) = gradient at the gates' inputs; dc becomes the gradient of c_before. dh: of h.
  void (*lstm_gates_backward)(const float* gates, const float* c_before, const float* c, const float* dh, float* dc,
                              float* d, size_t rows, size_t hidden);
};

const KernelTable& baselineKernels();
const KernelTable& avx2Kernels();
const KernelTable& avx512Kernels();

}  // namespace eegtorch::kernels
