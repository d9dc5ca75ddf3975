// Batch norm, a short cut added to it where there is one, and ReLU in one pass over memory, forward and backward.
#pragma once

#include "kernels/batch_norm.h"

namespace eegtorch::kernels {

// x and short_cut: (batch, channels, samples); so is the result.
at::Tensor batchNormRelu(const at::Tensor& x, torch::nn::BatchNorm1dImpl& norm, const at::Tensor& short_cut = {});

}  // namespace eegtorch::kernels
