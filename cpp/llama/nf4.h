// Weights in four bits: NF4 with double quantisation (Dettmers et al. 2023, NeurIPS, arXiv 2305.14314, QLoRA). Numbers
// and tensors are those of bitsandbytes, so that its checkpoints load.
#pragma once

#include "kernels/nf4.h"

namespace eegtorch {

// The 16 quantiles of a normal distribution, scaled to [-1, 1].
at::Tensor nf4Map();

// bitsandbytes' 256 values for scales: sign, an exponent of unary length, and what is left as a linear fraction.
at::Tensor dynamicMap();

// A matrix of the right shapes and no values, but for the maps. out * in must be even.
Nf4Matrix emptyNf4(int64_t out, int64_t in, int64_t block, bool nested);

// weight (out, in), any floating type and device, an even number of weights.
Nf4Matrix quantiseNf4(const at::Tensor& weight, int64_t block, bool nested);

// (blocks), float32
at::Tensor nf4Scales(const Nf4Matrix& matrix);

// Rows first to first + rows as (rows, in).
at::Tensor dequantiseNf4(const Nf4Matrix& matrix, int64_t first, int64_t rows, at::ScalarType dtype);

// x (..., in) times the transposed matrix -> (..., out). The matrix gets no gradient. Computed in the type of x.
at::Tensor nf4Linear(const at::Tensor& x, const Nf4Matrix& matrix);

}  // namespace eegtorch
