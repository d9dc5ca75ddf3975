// Zeroes each value with probability p while training and scales the rest by 1 / (1 - p); the identity in evaluation.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace eegtorch {

class DropoutImpl : public torch::nn::Module {
 public:
  explicit DropoutImpl(double p) : p_(p) {}
  at::Tensor forward(const at::Tensor& x);

 private:
  double p_;
};
TORCH_MODULE(Dropout);

}  // namespace eegtorch
