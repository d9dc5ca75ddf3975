// Layer norms in inference (Ba et al. 2016, arXiv 1607.06450), alone or with GELU behind them.
#pragma once

#include <torch/nn/modules/normalization.h>

namespace eegtorch::kernels {

// norm(x), then gelu if asked for; x (..., width), likewise. Where autograd follows, and for other tensors than float32
// on the CPU, LibTorch's operators.
at::Tensor layerNorm(const at::Tensor& x, torch::nn::LayerNormImpl& norm, bool gelu = false);

}  // namespace eegtorch::kernels
