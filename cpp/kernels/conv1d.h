// Convolution over time between many channels, as products of whole batches.
#pragma once

#include <torch/nn/modules/conv.h>

namespace eegtorch::kernels {

// As conv.forward(x), x (batch, channels, steps). Each tap is one product of all steps of all windows, channels
// innermost, with a matrix; so are its gradients. From 256 x 256 channels on that takes two thirds of the time of
// LibTorch's convolution where MKL is fast, though it transposes on the way in and out; elsewhere a training step of
// resnet1d takes a tenth longer by it, and LibTorch's is called.
at::Tensor conv1d(const at::Tensor& x, torch::nn::Conv1dImpl& conv);

}  // namespace eegtorch::kernels
