#include "alignment/eeg_clip_mapper.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>

#include "core/check.h"
#include "core/state_dict.h"
#include "kernels/layer_norm.h"

namespace eegtorch {

namespace {

constexpr double kQueryScale = 0.02;

torch::nn::LayerNorm norm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

}  // namespace

EegClipMapperImpl::EegClipMapperImpl(const EegClipMapperConfig& config) : config_(config) {
  const OptionCheck options("eeg_clip_mapper");
  options.size("in_dim", config.in_dim);
  options.size("n_tokens", config.n_tokens);
  options.size("n_queries", config.n_queries);
  options.size("clip_dim", config.clip_dim);
  options.size("n_outputs", config.n_outputs);
  const TransformerOptions layers{.width = config.d_model,
                                  .heads = config.n_heads,
                                  .feedforward = config.feedforward_dim,
                                  .layers = config.n_layers,
                                  .activation = config.activation,
                                  .drop_prob = config.drop_prob,
                                  .norm_first = true};
  layers.check(options, "d_model");

  const int64_t d = config.d_model, clip = config.clip_dim;
  queries_ = register_parameter("queries", kQueryScale * at::randn({config.n_queries, d}));
  const torch::nn::Linear first(config.in_dim, d), second(d, d);
  input_norm_ = norm(d);
  input_dropout_ = Dropout(config.drop_prob);
  register_module("input_projection",
                  torch::nn::Sequential(first, input_norm_, torch::nn::GELU(), input_dropout_, second));
  input_first_.emplace(first);
  input_second_.emplace(second);
  encoder_ = register_module("encoder", TransformerEncoder(layers));
  query_attention_ = register_module("query_attention", MultiheadAttention(d, config.n_heads, config.drop_prob));
  query_norm_ = register_module("query_norm", norm(d));
  context_projection_.emplace(register_module("context_projection", torch::nn::Linear(d, clip)));
  context_norm_ = register_module("context_norm", norm(clip));
  prompt_projection_.emplace(register_module("prompt_projection", torch::nn::Linear(clip, clip)));
  classifier_ = register_module("classifier", torch::nn::Linear(clip, config.n_outputs));
}

at::Tensor EegClipMapperImpl::project(const at::Tensor& tokens) {
  const auto hidden = kernels::layerNorm(input_first_->forward(tokens, is_training()), *input_norm_, true);
  return input_second_->forward(input_dropout_->forward(hidden), is_training());
}

ClipConditioning EegClipMapperImpl::forward(const at::Tensor& tokens) {
  checkInput("eeg_clip_mapper", tokens, queries_, {"batch", "tokens", {config_.in_dim, "values in a token"}});
  const auto x = encoder_->forward(project(tokens));          // (batch, tokens, d_model)
  const auto queries = queries_.expand({x.size(0), -1, -1});  // (batch, n_queries, d_model)
  const auto attended = kernels::layerNorm(query_attention_->forward(queries, x) + queries, *query_norm_);
  const auto context = kernels::layerNorm(context_projection_->forward(attended, is_training()), *context_norm_);
  const auto pooled = context.mean(1);  // (batch, clip_dim) of (batch, n_queries, clip_dim)
  const auto prompt = prompt_projection_->forward(pooled, is_training()).tanh();
  return {context, prompt, classifier_->forward(config_.classifier_input.value == "pooled" ? pooled : prompt)};
}

std::unordered_map<std::string, std::string> EegClipMapperImpl::olderNames() const {
  return namesWithPrefixes(*this, {{"input_proj.", "input_projection."},
                                   {"transformer.", "encoder."},
                                   {"expand_queries", "queries"},
                                   {"cross_attn.", "query_attention."},
                                   {"cross_attn_norm.", "query_norm."},
                                   {"seq_proj.0.", "context_projection."},
                                   {"seq_proj.1.", "context_norm."},
                                   {"pool_proj.0.", "prompt_projection."}});
}

std::vector<at::Tensor> EegClipMapperImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto [context, prompt, logits] = forward(inputs.at(0));
  return {context, prompt, logits};
}

}  // namespace eegtorch
