// Layers whose weight rows never exceed a Euclidean norm. As in PyTorch's parametrisations, the tensor that is stored
// and trained is unconstrained (`parametrizations.weight.original`); every read constrains it, in evaluation too, and
// the gradient flows through the constraint.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/options/conv.h>
#include <torch/nn/pimpl.h>

namespace eegtorch {

// The module called `parametrizations` in the reference's state dict.
class MaxNormImpl : public torch::nn::Module {
 public:
  MaxNormImpl(const at::Tensor& weight, double max_norm);
  at::Tensor forward() const;  // the weight, each slice along axis 0 within max_norm

 private:
  at::Tensor original_;
  double max_norm_;
};
TORCH_MODULE(MaxNorm);

// braindecode's Conv2dWithConstraint: Xavier-uniform weights.
class MaxNormConv2dImpl : public torch::nn::Module {
 public:
  MaxNormConv2dImpl(const torch::nn::Conv2dOptions& options, double max_norm);
  at::Tensor forward(const at::Tensor& x) const;
  at::Tensor weight() const { return parametrizations_->forward(); }

 private:
  torch::nn::Conv2dOptions options_;
  at::Tensor bias_;
  MaxNorm parametrizations_{nullptr};
};
TORCH_MODULE(MaxNormConv2d);

// braindecode's LinearWithConstraint.
class MaxNormLinearImpl : public torch::nn::Module {
 public:
  MaxNormLinearImpl(int64_t in_features, int64_t out_features, double max_norm);
  at::Tensor forward(const at::Tensor& x) const;
  at::Tensor& bias() { return bias_; }

 private:
  at::Tensor bias_;
  MaxNorm parametrizations_{nullptr};
};
TORCH_MODULE(MaxNormLinear);

}  // namespace eegtorch
