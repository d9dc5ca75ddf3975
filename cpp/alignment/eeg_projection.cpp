#include "alignment/eeg_projection.h"

#include <ATen/Functions.h>

#include "core/check.h"
#include "core/state_dict.h"
#include "kernels/layer_norm.h"

namespace eegtorch {

EegProjectionImpl::EegProjectionImpl(const EegProjectionConfig& config) : config_(config) {
  const OptionCheck options("eeg_projection");
  options.size("in_dim", config.in_dim);
  options.size("out_dim", config.out_dim);
  options.size("n_tokens", config.n_tokens);
  options.fraction("drop_prob", config.drop_prob);
  const auto norm = [&] { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.out_dim})); };
  linear1_.emplace(register_module("linear1", torch::nn::Linear(config.in_dim, config.out_dim)));
  if (config.layer_norm) norm1_ = register_module("norm1", norm());
  dropout_ = register_module("dropout", Dropout(config.drop_prob));
  linear2_.emplace(register_module("linear2", torch::nn::Linear(config.out_dim, config.out_dim)));
  if (config.layer_norm) norm2_ = register_module("norm2", norm());
}

std::unordered_map<std::string, std::string> EegProjectionImpl::olderNames() const {
  if (!config_.layer_norm) return namesWithPrefixes(*this, {{"proj.0.", "linear1."}, {"proj.3.", "linear2."}});
  return namesWithPrefixes(
      *this, {{"proj.0.", "linear1."}, {"proj.1.", "norm1."}, {"proj.4.", "linear2."}, {"proj.5.", "norm2."}});
}

at::Tensor EegProjectionImpl::forward(const at::Tensor& tokens) {
  checkInput("eeg_projection", tokens, parameters().front(),
             {"batch", "tokens", {config_.in_dim, "values in a token"}});
  const auto first = linear1_->forward(tokens, is_training());
  const auto x = dropout_->forward(norm1_ ? kernels::layerNorm(first, *norm1_, true) : at::gelu(first));
  const auto y = linear2_->forward(x, is_training());  // (batch, tokens, out_dim)
  return norm2_ ? kernels::layerNorm(y, *norm2_) : y;
}

}  // namespace eegtorch
