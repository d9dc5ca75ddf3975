#include "blocks/attention.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include <cmath>
#include <limits>

#include "kernels/attention.h"
#include "kernels/dropout.h"
#include "kernels/layer_norm.h"

namespace eegtorch {

at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, int64_t heads,
                  double drop_prob, bool training, const std::optional<at::Tensor>& mask) {
  const auto split = [heads](const at::Tensor& x) {  // (batch, heads, tokens, width / heads)
    return x.unflatten(2, {heads, x.size(2) / heads}).transpose(1, 2);
  };
  const auto q = split(queries), k = split(keys), v = split(values);
  if (!training || drop_prob == 0) return at::scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  auto scores = at::matmul(q * scale, k.transpose(2, 3));  // (batch, heads, queries, tokens)
  const bool flags = mask && mask->scalar_type() == at::kBool;
  if (flags) scores = scores.masked_fill(mask->logical_not(), -std::numeric_limits<double>::infinity());
  if (mask && !flags) scores = scores + *mask;
  const auto weights = flags ? at::_safe_softmax(scores, -1) : at::softmax(scores, -1);
  return at::matmul(kernels::dropout(weights, drop_prob, true), v).transpose(1, 2).flatten(2);
}

MultiheadAttentionImpl::MultiheadAttentionImpl(int64_t width, int64_t heads, double drop_prob)
    : width_(width), heads_(heads), drop_prob_(drop_prob) {
  in_proj_weight_ = register_parameter("in_proj_weight", at::empty({3 * width, width}));
  in_proj_bias_ = register_parameter("in_proj_bias", at::zeros({3 * width}));
  const auto out_proj = register_module("out_proj", torch::nn::Linear(width, width));
  torch::nn::init::xavier_uniform_(in_proj_weight_);
  torch::nn::init::zeros_(out_proj->bias);
  const auto part = [&](int64_t first, int64_t count) { return PackedLinear::Rows{first * width, count * width}; };
  in_proj_.emplace(in_proj_weight_, in_proj_bias_);
  query_proj_.emplace(in_proj_weight_, in_proj_bias_, kernels::Activation{}, part(0, 1));
  memory_proj_.emplace(in_proj_weight_, in_proj_bias_, kernels::Activation{}, part(1, 2));
  out_proj_.emplace(out_proj);
}

at::Tensor MultiheadAttentionImpl::attendItself(const at::Tensor& x, const std::optional<at::Tensor>& mask) {
  const auto added = mask.value_or(at::Tensor());
  const bool drops = is_training() && drop_prob_ > 0;
  if (!drops && kernels::attendsShortly(x, in_proj_weight_, added))
    return kernels::shortAttention(in_proj_->forward(x, is_training()), heads_, added);
  const auto sequences = x.transpose(1, 2).flatten(0, 1);  // (outer * inner, tokens, width)
  const auto parts = in_proj_->forward(sequences, is_training()).chunk(3, 2);
  const auto y = attend(parts[0], parts[1], parts[2], heads_, drop_prob_, is_training(), mask);
  return y.unflatten(0, {x.size(0), x.size(2)}).transpose(1, 2);
}

at::Tensor MultiheadAttentionImpl::attendTo(const at::Tensor& memory, const at::Tensor& query,
                                            const std::optional<at::Tensor>& mask) {
  const auto rest = memory_proj_->forward(memory, is_training()).chunk(2, 2);
  return attend(query_proj_->forward(query, is_training()), rest[0], rest[1], heads_, drop_prob_, is_training(), mask);
}

at::Tensor MultiheadAttentionImpl::forward(const at::Tensor& query, const at::Tensor& memory,
                                           const std::optional<at::Tensor>& mask) {
  const auto attended =
      query.is_same(memory) ? attendItself(query.unsqueeze(2), mask).squeeze(2) : attendTo(memory, query, mask);
  return out_proj_->forward(attended, is_training());
}

at::Tensor MultiheadAttentionImpl::addAlong(const at::Tensor& added, const at::Tensor& x, Dropout& dropout,
                                            const std::optional<at::Tensor>& mask) {
  return out_proj_->addTo(added, attendItself(x, mask), dropout);
}

void TransformerOptions::check(const OptionCheck& options, const char* width_name) const {
  options.size(width_name, width);
  options.divides("n_heads", heads, width_name, width);
  options.size("feedforward_dim", feedforward);
  options.size("n_layers", layers);
  options.fraction("drop_prob", drop_prob);
}

TransformerLayerImpl::TransformerLayerImpl(const TransformerOptions& o) : norm_first_(o.norm_first) {
  const bool gelu = o.activation.value == "gelu";
  self_attn_ = register_module("self_attn", MultiheadAttention(o.width, o.heads, o.drop_prob));
  linear1_.emplace(register_module("linear1", torch::nn::Linear(o.width, o.feedforward)),
                   kernels::Activation{.slope = 0, .gelu = gelu});
  linear2_.emplace(register_module("linear2", torch::nn::Linear(o.feedforward, o.width)));
  norm1_ = register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.width})));
  norm2_ = register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.width})));
  dropout_ = register_module("dropout", Dropout(o.drop_prob));
}

at::Tensor TransformerLayerImpl::addAttention(const at::Tensor& added, const at::Tensor& x) {
  return self_attn_->addAlong(added.unsqueeze(2), x.unsqueeze(2), dropout_).squeeze(2);
}

at::Tensor TransformerLayerImpl::addFeedForward(const at::Tensor& added, const at::Tensor& x) {
  const auto hidden = dropout_->forward(linear1_->forward(x, is_training()));  // (batch, tokens, feedforward)
  return linear2_->addTo(added, hidden, dropout_);
}

at::Tensor TransformerLayerImpl::forward(const at::Tensor& x) {
  if (norm_first_) {
    const auto y = addAttention(x, kernels::layerNorm(x, *norm1_));
    return addFeedForward(y, kernels::layerNorm(y, *norm2_));
  }
  const auto y = kernels::layerNorm(addAttention(x, x), *norm1_);
  return kernels::layerNorm(addFeedForward(y, y), *norm2_);
}

TransformerEncoderImpl::TransformerEncoderImpl(const TransformerOptions& options) {
  layers_ = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < options.layers; i++) layers_->push_back(TransformerLayer(options));
  const at::NoGradGuard no_grad;
  const auto first = layers_[0]->parameters();
  for (int64_t i = 1; i < options.layers; i++) {
    auto copies = layers_[i]->parameters();
    for (size_t j = 0; j < first.size(); j++) copies[j].copy_(first[j]);
  }
}

at::Tensor TransformerEncoderImpl::forward(at::Tensor x) {
  for (const auto& layer : *layers_) x = layer->as<TransformerLayer>()->forward(x);
  return x;
}

}  // namespace eegtorch
