#include "blocks/bounded_weight.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/linear.h>

#include "blocks/chain.h"

namespace eegtorch {

namespace {

constexpr double kNormEpsilon = 1e-5;  // braindecode's

// What each column is multiplied by.
at::Tensor columnScale(const at::Tensor& weight, double max_norm) {
  const auto norm = at::norm(weight, 2, {0}, true).clamp_min(max_norm / 2);
  return norm.clamp_max(max_norm) / (norm + kNormEpsilon);
}

}  // namespace

BoundedWeightImpl::BoundedWeightImpl(const at::Tensor& weight, const at::Tensor& bias,
                                     const std::optional<double>& max_norm) {
  if (max_norm)
    bound_ = register_module("parametrizations", MaxNorm(weight, *max_norm));
  else
    weight_ = register_parameter("weight", weight.detach());
  if (bias.defined()) bias_ = register_parameter("bias", bias.detach());
}

// The reference stores the weight that its constraint maps to the initial one.
ColumnMaxNormLinearImpl::ColumnMaxNormLinearImpl(int64_t in_features, int64_t out_features, double max_norm)
    : max_norm_(max_norm) {
  const torch::nn::Linear plain(in_features, out_features);
  const auto weight = plain->weight.detach();
  const auto list = register_module("parametrizations", std::make_shared<Named>());
  original_ = list->register_module("weight", std::make_shared<Named>())
                  ->register_parameter("original", weight / columnScale(weight, max_norm));
  bias_ = register_parameter("bias", plain->bias.detach());
}

at::Tensor ColumnMaxNormLinearImpl::weight() const { return original_ * columnScale(original_, max_norm_); }

at::Tensor ColumnMaxNormLinearImpl::forward(const at::Tensor& x) const { return at::linear(x, weight(), bias_); }

}  // namespace eegtorch
