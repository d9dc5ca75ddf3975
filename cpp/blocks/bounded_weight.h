// Weights under an optional bound, for layers whose reference registers its parametrisation only when one is asked for:
// the state dict has `weight` without a bound, `parametrizations.weight.original` with one.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>

#include "blocks/max_norm.h"

namespace eegtorch {

// Holds the weight and the bias (undefined for none) of a convolution; its owner convolves.
class BoundedWeightImpl : public torch::nn::Module {
 public:
  // max_norm: largest Euclidean norm of a filter, PyTorch's renorm along axis 0.
  BoundedWeightImpl(const at::Tensor& weight, const at::Tensor& bias, const std::optional<double>& max_norm);
  at::Tensor weight() const { return bound_ ? bound_->forward() : weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  at::Tensor weight_, bias_;
  MaxNorm bound_{nullptr};
};
TORCH_MODULE(BoundedWeight);

// braindecode's MaxNormLinear, after Keras' MaxNorm: the weights that leave one input feature, a column, stay within
// max_norm. Columns shorter than half of it are not left alone but scaled by 1 / (1 + 2 eps / max_norm).
class ColumnMaxNormLinearImpl : public torch::nn::Module {
 public:
  ColumnMaxNormLinearImpl(int64_t in_features, int64_t out_features, double max_norm);
  at::Tensor forward(const at::Tensor& x) const;
  at::Tensor weight() const;

 private:
  double max_norm_;
  at::Tensor original_, bias_;
};
TORCH_MODULE(ColumnMaxNormLinear);

}  // namespace eegtorch
