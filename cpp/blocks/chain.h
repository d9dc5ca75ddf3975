// What PyTorch's containers name, where LibTorch's own cannot stand.
#pragma once

#include <torch/nn/modules/container/sequential.h>

namespace eegtorch {

// Holds parts under the names that a container of the reference gives them.
struct Named : torch::nn::Module {};

// A Sequential that can stand in another one, which a forward of many types cannot.
struct ChainImpl : torch::nn::SequentialImpl {
  using torch::nn::SequentialImpl::SequentialImpl;
  at::Tensor forward(const at::Tensor& x) { return torch::nn::SequentialImpl::forward(x); }
};
TORCH_MODULE(Chain);

}  // namespace eegtorch
