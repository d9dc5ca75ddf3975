#include "clip/clip_encoder.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"
#include "blocks/transformers_activation.h"
#include "core/check.h"

namespace eegtorch {

void ClipEncoderConfig::check(const char* owner) const {
  const OptionCheck options(owner);
  options.size("hidden_size", hidden_size);
  options.size("intermediate_size", intermediate_size);
  options.size("projection_dim", projection_dim);
  options.size("num_hidden_layers", num_hidden_layers);
  options.divides("num_attention_heads", num_attention_heads, "hidden_size", hidden_size);
  options.positive("layer_norm_eps", layer_norm_eps);
  options.fraction("attention_dropout", attention_dropout);
}

ClipAttentionImpl::ClipAttentionImpl(const ClipEncoderConfig& config)
    : heads_(config.num_attention_heads), drop_prob_(config.attention_dropout) {
  const auto linear = [&] { return Linear(config.hidden_size, config.hidden_size); };
  k_proj_ = register_module("k_proj", linear());
  v_proj_ = register_module("v_proj", linear());
  q_proj_ = register_module("q_proj", linear());
  out_proj_ = register_module("out_proj", linear());
}

at::Tensor ClipAttentionImpl::forward(const at::Tensor& x, bool causal) {
  const auto split = [this](const at::Tensor& y) {  // (batch, heads, tokens, hidden_size / heads)
    return y.unflatten(2, {heads_, y.size(2) / heads_}).transpose(1, 2);
  };
  const auto q = split(q_proj_->forward(x)), k = split(k_proj_->forward(x)), v = split(v_proj_->forward(x));
  const auto seen = at::scaled_dot_product_attention(q, k, v, {}, is_training() ? drop_prob_ : 0, causal);
  return out_proj_->forward(seen.transpose(1, 2).flatten(2));
}

ClipLayerImpl::ClipLayerImpl(const ClipEncoderConfig& config) : activation_(config.hidden_act.value) {
  const auto norm = [&] { return LayerNorm(config.hidden_size, config.layer_norm_eps); };
  self_attn_ = register_module("self_attn", ClipAttention(config));
  layer_norm1_ = register_module("layer_norm1", norm());
  const auto mlp = register_module("mlp", std::make_shared<Named>());
  fc1_ = mlp->register_module("fc1", Linear(config.hidden_size, config.intermediate_size));
  fc2_ = mlp->register_module("fc2", Linear(config.intermediate_size, config.hidden_size));
  layer_norm2_ = register_module("layer_norm2", norm());
}

at::Tensor ClipLayerImpl::forward(const at::Tensor& x, bool causal) {
  const auto y = x + self_attn_->forward(layer_norm1_->forward(x), causal);
  return y + fc2_->forward(transformersActivation(activation_, fc1_->forward(layer_norm2_->forward(y))));
}

ClipEncoderImpl::ClipEncoderImpl(const ClipEncoderConfig& config) {
  const auto layers = register_module("layers", std::make_shared<Named>());
  for (int64_t i = 0; i < config.num_hidden_layers; i++)
    layers_.push_back(layers->register_module(std::to_string(i), ClipLayer(config)));
}

ClipStates ClipEncoderImpl::forward(const at::Tensor& x, bool causal) {
  ClipStates states{.last = x, .penultimate = x};
  for (auto& layer : layers_) {
    states.penultimate = states.last;
    states.last = layer->forward(states.last, causal);
  }
  return states;
}

}  // namespace eegtorch
