#include "blocks/max_norm.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace eegtorch {

namespace {

struct ParametrizationImpl : torch::nn::Module {};
TORCH_MODULE(Parametrization);

}  // namespace

MaxNormImpl::MaxNormImpl(const at::Tensor& weight, double max_norm) : max_norm_(max_norm) {
  auto list = register_module("weight", Parametrization());
  original_ = list->register_parameter("original", weight.detach());
}

at::Tensor MaxNormImpl::forward() const { return at::renorm(original_, 2, 0, max_norm_); }

// The plain layer makes the weights, so that a seed gives the same ones as the reference, which draws twice as well.
MaxNormConv2dImpl::MaxNormConv2dImpl(const torch::nn::Conv2dOptions& options, double max_norm) : options_(options) {
  torch::nn::Conv2d plain(options);
  torch::nn::init::xavier_uniform_(plain->weight);
  if (options.bias()) bias_ = register_parameter("bias", plain->bias.detach());
  parametrizations_ = register_module("parametrizations", MaxNorm(plain->weight, max_norm));
}

at::Tensor MaxNormConv2dImpl::forward(const at::Tensor& x) const {
  return at::conv2d(x, weight(), bias_, options_.stride(), std::get<torch::ExpandingArray<2>>(options_.padding()),
                    options_.dilation(), options_.groups());
}

MaxNormLinearImpl::MaxNormLinearImpl(int64_t in_features, int64_t out_features, double max_norm) {
  torch::nn::Linear plain(in_features, out_features);
  bias_ = register_parameter("bias", plain->bias.detach());
  parametrizations_ = register_module("parametrizations", MaxNorm(plain->weight, max_norm));
}

at::Tensor MaxNormLinearImpl::forward(const at::Tensor& x) const {
  return at::linear(x, parametrizations_->forward(), bias_);
}

}  // namespace eegtorch
