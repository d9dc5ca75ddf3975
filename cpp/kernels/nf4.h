// Products with matrices in four bits (NF4), straight from the codes: reading an eighth of the bytes is what makes
// decoding of a language model fast.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// A matrix in blocks of the flattened weights. The first weight of a pair is the high half of its byte. Names and
// numbers are bitsandbytes'.
struct Nf4Matrix {
  int64_t out = 0, in = 0, block = 64;
  at::Tensor codes;   // (out * in / 2, 1), uint8
  at::Tensor absmax;  // (blocks): float32 scales, or uint8 when these are quantised too
  at::Tensor map;     // (16), what a code stands for
  // Double quantisation, else undefined: scale = nested_map[absmax] * nested_absmax[i / kNf4NestedBlock] + offset.
  at::Tensor nested_absmax, nested_map, offset;

  bool nested() const { return nested_absmax.defined(); }
  int64_t blocks() const { return (out * in + block - 1) / block; }
};

inline constexpr int64_t kNf4NestedBlock = 256;

namespace kernels {

// Whether blocks end with rows and lie on the CPU: what the kernels are written for.
bool nf4Applies(const Nf4Matrix& matrix);

// x (rows, in), float32 on the CPU, few rows -> (rows, out)
at::Tensor nf4Dots(const at::Tensor& x, const Nf4Matrix& matrix);

// x (rows, in), float32 on the CPU, any rows -> (rows, out). Threads unpack a few rows of the matrix at a time into
// their innermost cache, as products read them, and all of x passes by.
at::Tensor nf4Product(const at::Tensor& x, const Nf4Matrix& matrix);

// Rows first to first + rows as (rows, in), float32.
at::Tensor nf4Unpack(const Nf4Matrix& matrix, int64_t first, int64_t rows);

// Codes of the flattened weights, float32 on the CPU, into the matrix, whose block is even; their scales (blocks),
// float32, are returned.
at::Tensor nf4Quantise(const at::Tensor& weights, const Nf4Matrix& matrix);

}  // namespace kernels

}  // namespace eegtorch
