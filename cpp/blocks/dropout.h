// Zeroes each value with probability p while training and scales the rest by 1 / (1 - p); the identity in evaluation.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace eegtorch {

class DropoutImpl : public torch::nn::Module {
 public:
  explicit DropoutImpl(double p) : p_(p) {}
  at::Tensor forward(const at::Tensor& x);

  // Off for good: parity cases run in training mode and must repeat.
  void silence() { p_ = 0; }

 private:
  double p_;
};
TORCH_MODULE(Dropout);

// Zeroes whole channels, as torch.nn.Dropout2d does.
class ChannelDropoutImpl : public DropoutImpl {
 public:
  using DropoutImpl::DropoutImpl;
  at::Tensor forward(const at::Tensor& x);  // (batch, channels, ...), likewise
};
TORCH_MODULE(ChannelDropout);

}  // namespace eegtorch
