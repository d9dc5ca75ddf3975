// Elementwise nonlinearities by the names that Hugging Face's transformers gives them in configs.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

// name: gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu, tanh or sigmoid.
at::Tensor transformersActivation(const std::string& name, const at::Tensor& x);

}  // namespace eegtorch
