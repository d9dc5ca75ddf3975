#include "alignment/eeg_clip_mapper.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>

#include "core/check.h"
#include "core/state_dict.h"

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
  input_projection_ = register_module(
      "input_projection", torch::nn::Sequential(torch::nn::Linear(config.in_dim, d), norm(d), torch::nn::GELU(),
                                                Dropout(config.drop_prob), torch::nn::Linear(d, d)));
  encoder_ = register_module("encoder", TransformerEncoder(layers));
  query_attention_ = register_module("query_attention", MultiheadAttention(d, config.n_heads, config.drop_prob));
  query_norm_ = register_module("query_norm", norm(d));
  context_projection_.emplace(register_module("context_projection", torch::nn::Linear(d, clip)));
  context_norm_ = register_module("context_norm", norm(clip));
  prompt_projection_.emplace(register_module("prompt_projection", torch::nn::Linear(clip, clip)));
  classifier_ = register_module("classifier", torch::nn::Linear(clip, config.n_outputs));
}

ClipConditioning EegClipMapperImpl::forward(const at::Tensor& tokens) {
  checkInput("eeg_clip_mapper", tokens, queries_, {"batch", "tokens", {config_.in_dim, "values in a token"}});
  const auto x = encoder_->forward(input_projection_->forward(tokens));  // (batch, tokens, d_model)
  const auto queries = queries_.expand({x.size(0), -1, -1});             // (batch, n_queries, d_model)
  const auto attended = query_norm_->forward(query_attention_->forward(queries, x) + queries);
  const auto context = context_norm_->forward(context_projection_->forward(attended, is_training()));
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
