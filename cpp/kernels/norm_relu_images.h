// Batch norm and (leaky) ReLU of images whose channels are innermost in memory, in one pass, forward and backward.
#pragma once

#include "kernels/batch_norm.h"

namespace eegtorch::kernels {

// images: (batch, channels, height, width); so is the result. slope: of what is below 0, from 0 to 1.
at::Tensor batchNormLeakyRelu(const at::Tensor& images, torch::nn::BatchNorm2dImpl& norm, double slope);

}  // namespace eegtorch::kernels
