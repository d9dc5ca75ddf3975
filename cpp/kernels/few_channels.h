// Transposed convolution of images to a few channels.
#pragma once

#include <torch/nn/modules/conv.h>

namespace eegtorch::kernels {

// As conv.forward(x), x (batch, channels, rows, columns). Where at most four channels come out: one product gives what
// each pixel adds to those around it, and the results sum that up. LibTorch's, whose blocks of channels are nearly
// empty then, took 7.4 of the 29 ms of the AAE's decoder.
at::Tensor convTranspose2d(const at::Tensor& x, torch::nn::ConvTranspose2dImpl& conv);

}  // namespace eegtorch::kernels
