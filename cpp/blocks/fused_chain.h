// Runs a Sequential of image layers, each batch norm together with the (leaky) ReLU behind it.
#pragma once

#include <torch/nn/modules/container/sequential.h>

namespace eegtorch {

// x: what the first layer takes. The result is that of layers.forward(x).
at::Tensor runFused(torch::nn::SequentialImpl& layers, at::Tensor x);

}  // namespace eegtorch
