#include "blocks/attention.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include <cmath>
#include <limits>

#include "kernels/attention.h"
#include "kernels/dropout.h"

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
  in_proj_.emplace(in_proj_weight_, in_proj_bias_);
  out_proj_.emplace(out_proj);
}

at::Tensor MultiheadAttentionImpl::attendItself(const at::Tensor& x, const std::optional<at::Tensor>& mask) {
  const auto projected = in_proj_->forward(x, is_training());
  const auto added = mask.value_or(at::Tensor());
  const bool drops = is_training() && drop_prob_ > 0;
  if (!drops && kernels::attendsShortly(projected, added)) return kernels::shortAttention(projected, heads_, added);
  const auto parts = projected.chunk(3, 2);
  return attend(parts[0], parts[1], parts[2], heads_, drop_prob_, is_training(), mask);
}

at::Tensor MultiheadAttentionImpl::attendTo(const at::Tensor& memory, const at::Tensor& query,
                                            const std::optional<at::Tensor>& mask) {
  const auto part = [&](const at::Tensor& x, int64_t first, int64_t count) {
    return at::linear(x, in_proj_weight_.narrow(0, first * width_, count * width_),
                      in_proj_bias_.narrow(0, first * width_, count * width_));
  };
  const auto rest = part(memory, 1, 2).chunk(2, 2);
  return attend(part(query, 0, 1), rest[0], rest[1], heads_, drop_prob_, is_training(), mask);
}

at::Tensor MultiheadAttentionImpl::forward(const at::Tensor& query, const at::Tensor& memory,
                                           const std::optional<at::Tensor>& mask) {
  const auto attended = query.is_same(memory) ? attendItself(query, mask) : attendTo(memory, query, mask);
  return out_proj_->forward(attended, is_training());
}

void TransformerOptions::check(const OptionCheck& options, const char* width_name) const {
  options.size(width_name, width);
  options.divides("n_heads", heads, width_name, width);
  options.size("feedforward_dim", feedforward);
  options.size("n_layers", layers);
  options.fraction("drop_prob", drop_prob);
}

TransformerLayerImpl::TransformerLayerImpl(const TransformerOptions& o)
    : norm_first_(o.norm_first), gelu_(o.activation.value == "gelu") {
  self_attn_ = register_module("self_attn", MultiheadAttention(o.width, o.heads, o.drop_prob));
  linear1_.emplace(register_module("linear1", torch::nn::Linear(o.width, o.feedforward)), gelu_ ? 1 : 0);
  linear2_.emplace(register_module("linear2", torch::nn::Linear(o.feedforward, o.width)));
  norm1_ = register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.width})));
  norm2_ = register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.width})));
  dropout_ = register_module("dropout", Dropout(o.drop_prob));
}

at::Tensor TransformerLayerImpl::feedForward(const at::Tensor& x) {
  const auto hidden = linear1_->forward(x, is_training());  // (batch, tokens, feedforward)
  return dropout_->forward(linear2_->forward(dropout_->forward(gelu_ ? at::gelu(hidden) : hidden), is_training()));
}

at::Tensor TransformerLayerImpl::forward(const at::Tensor& x) {
  const auto attended = [&](const at::Tensor& y) { return dropout_->forward(self_attn_->forward(y, y)); };
  if (norm_first_) {
    const auto y = x + attended(norm1_->forward(x));
    return y + feedForward(norm2_->forward(y));
  }
  const auto y = norm1_->forward(x + attended(x));
  return norm2_->forward(y + feedForward(y));
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
