// The gradient of a kernel by way of LibTorch's own operators, for what a kernel's own backward does not cover: the
// gradient of the recording itself, and gradients that are differentiated again.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <functional>

namespace eegtorch::kernels {

using torch::autograd::variable_list;
using PlainForward = std::function<at::Tensor(const variable_list&)>;

// Gradients of forward(inputs) for those inputs that need one, undefined for the others. With autograd recording (a
// backward that creates a graph) the result can be differentiated again.
variable_list plainGradients(const PlainForward& forward, const variable_list& inputs, const at::Tensor& grad_output,
                             const std::vector<bool>& needed);

}  // namespace eegtorch::kernels
