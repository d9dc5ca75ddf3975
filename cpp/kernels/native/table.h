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
  size_t outer_stride, inner_stride;  // in the second operand
  size_t left_stride = 1;             // in the first operand, from one (outer, inner) to the next; of `rows` alone
};

// How a row is pooled after batch norm and ELU.
struct Pool {
  size_t kernel, stride;
  bool max;  // largest value; else the mean
};

// One time step of a recurrent layer for `rows` sequences, each array (rows, hidden). `gates` (rows, blocks * hidden)
// hold the products of input and state and, if they are kept, become what backward needs: i, f, g, o of an LSTM; n, r,
// z and the state's product before r of a GRU; of the others nothing, and gates may be the state itself. Cells are an
// LSTM's alone.
struct CellStep {
  float* gates;
  const float* cell_before;
  float* cell;
  const float* before;  // the state
  float* after;
  size_t rows, hidden;
  bool keeps_gates;
};

// d (rows, blocks * hidden) = gradient at the products; dcell becomes the gradient of cell_before. The gradient at the
// state after is dstate + outer, whose rows lie outer_row apart; a GRU leaves in dstate what it hands to the state
// before without a product, the others leave dstate alone.
struct CellStepBackward {
  const float *gates, *cell_before, *cell, *before, *after, *outer;
  size_t outer_row;
  float *dstate, *dcell, *d;
  size_t rows, hidden;
};

struct Cell {
  void (*forward)(const CellStep& step);
  void (*backward)(const CellStepBackward& step);
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
  // d = scale * g - offset - slope * (x - mean): batch norm's gradient from that of its output; d may be g.
  void (*normalise_backward)(const float* x, const float* g, size_t n, float scale, float offset, float slope,
                             float mean, float* d);

  // y = u where u > 0, slope * u elsewhere; u = scale * x + shift, plus short_cut unless null.
  void (*norm_relu)(const float* x, const float* short_cut, size_t n, float scale, float shift, float slope, float* y);
  // g = gradient of the above with respect to u, given y; sums[0] += sum g, sums[1] += sum g * (x - mean).
  void (*norm_relu_backward)(const float* x, const float* y, const float* grad_out, size_t n, float mean, float slope,
                             float* g, double* sums);

  // The same of pixels (n, channels) whose channels are innermost, with a scale, shift, ... for each channel. Sums have
  // one number for each channel: of x (centre null) or of (x - centre)^2; of g; of g * (x - mean).
  void (*column_sums)(const float* x, const float* centre, size_t n, size_t channels, double* sums);
  void (*norm_relu_columns)(const float* x, size_t n, size_t channels, const float* scale, const float* shift,
                            float slope, float* y);
  void (*norm_relu_backward_columns)(const float* x, const float* y, const float* grad_out, size_t n, size_t channels,
                                     const float* mean, float slope, float* g, double* sums, double* products);
  void (*normalise_backward_columns)(const float* x, const float* g, size_t n, size_t channels, const float* scale,
                                     const float* offset, const float* slope, const float* mean, float* d);

  // y = x * mask / (1 - probability); the mask of element i depends on seed and i alone. first: index of x[0], a
  // multiple of 64. probability < 1.
  void (*dropout)(const float* x, float* y, size_t n, uint64_t seed, uint64_t first, float probability);

  Cell lstm, gru, tanh, relu;
};

const KernelTable& baselineKernels();
const KernelTable& avx2Kernels();
const KernelTable& avx512Kernels();

}  // namespace eegtorch::kernels
