// Runs a Sequential of image layers, each batch norm together with the (leaky) ReLU behind it.
#pragma once

#include <torch/nn/modules/container/sequential.h>

namespace eegtorch {

// Of a ReLU or leaky ReLU, what it multiplies negative numbers with.
std::optional<double> slopeOf(const torch::nn::Module& layer);

// x: what the first layer takes. The result is that of layers.forward(x).
at::Tensor runFused(torch::nn::SequentialImpl& layers, at::Tensor x);

}  // namespace eegtorch
