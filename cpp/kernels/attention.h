// Self-attention of short sequences, straight from the projection of queries, keys and values.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// Whether `shortAttention` may stand in for LibTorch's: in inference, with so few tokens that a block of scores fits
// the cache. x (outer, tokens, inner, width), weight: of its projection, mask (tokens, tokens) or undefined.
bool attendsShortly(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& mask);

// Scaled dot-product attention in several heads, of sequences along the second dimension. projected (outer, tokens,
// inner, 3 * width): queries, keys and values side by side. mask is added to the scores. -> (outer, tokens, inner,
// width)
at::Tensor shortAttention(const at::Tensor& projected, int64_t heads, const at::Tensor& mask);

}  // namespace eegtorch::kernels
