#include "transformer/qformer.h"

#include <torch/nn/init.h>

#include "blocks/attention.h"
#include "blocks/transformers_activation.h"
#include "core/check.h"
#include "kernels/layer_norm.h"

namespace eegtorch {

namespace {

constexpr double kWeightDeviation = 0.02;

void check(const QFormerConfig& c) {
  const OptionCheck options("qformer");
  options.size("hidden_size", c.hidden_size);
  options.size("num_hidden_layers", c.num_hidden_layers);
  options.divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size);
  options.size("intermediate_size", c.intermediate_size);
  options.fraction("hidden_dropout_prob", c.hidden_dropout_prob);
  options.fraction("attention_probs_dropout_prob", c.attention_probs_dropout_prob);
  options.positive("layer_norm_eps", c.layer_norm_eps);
  options.size("cross_attention_frequency", c.cross_attention_frequency);
  options.size("encoder_hidden_size", c.encoder_hidden_size);
}

// As transformers begins: normal weights, no bias.
torch::nn::Linear linear(int64_t in, int64_t out) {
  torch::nn::Linear layer(in, out);
  torch::nn::init::normal_(layer->weight, 0, kWeightDeviation);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

torch::nn::LayerNorm norm(const QFormerConfig& c) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({c.hidden_size}).eps(c.layer_norm_eps));
}

}  // namespace

QFormerResidualImpl::QFormerResidualImpl(int64_t in, const QFormerConfig& config) {
  dense_.emplace(register_module("dense", linear(in, config.hidden_size)));
  norm_ = register_module("LayerNorm", norm(config));
  dropout_ = register_module("dropout", Dropout(config.hidden_dropout_prob));
}

at::Tensor QFormerResidualImpl::forward(const at::Tensor& x, const at::Tensor& around) {
  return kernels::layerNorm(dense_->addTo(around, x, dropout_), *norm_);
}

QFormerAttentionImpl::QFormerAttentionImpl(int64_t memory_width, const QFormerConfig& config)
    : heads_(config.num_attention_heads), drop_prob_(config.attention_probs_dropout_prob) {
  const auto attention = register_module("attention", std::make_shared<Named>());
  const auto add = [&](const char* name, int64_t width) {
    return attention->register_module(name, linear(width, config.hidden_size));
  };
  query_.emplace(add("query", config.hidden_size));
  key_.emplace(add("key", memory_width));
  value_.emplace(add("value", memory_width));
  output_ = register_module("output", QFormerResidual(config.hidden_size, config));
}

at::Tensor QFormerAttentionImpl::forward(const at::Tensor& x, const at::Tensor& memory,
                                         const std::optional<at::Tensor>& mask) {
  const bool training = is_training();
  const auto seen = attend(query_->forward(x, training), key_->forward(memory, training),
                           value_->forward(memory, training), heads_, drop_prob_, training, mask);
  return output_->forward(seen, x);
}

QFormerLayerImpl::QFormerLayerImpl(const QFormerConfig& config, bool crosses) : activation_(config.hidden_act.value) {
  attention_ = register_module("attention", QFormerAttention(config.hidden_size, config));
  if (crosses)
    crossattention_ = register_module("crossattention", QFormerAttention(config.encoder_hidden_size, config));
  if (config.use_qformer_text_input) addFeedForward(config, "", output_);
  intermediate_.emplace(addFeedForward(config, "_query", output_), kernels::Activation{.gelu = activation_ == "gelu"});
}

torch::nn::Linear QFormerLayerImpl::addFeedForward(const QFormerConfig& config, const std::string& suffix,
                                                   QFormerResidual& output) {
  const auto intermediate = register_module("intermediate" + suffix, std::make_shared<Named>());
  output = register_module("output" + suffix, QFormerResidual(config.intermediate_size, config));
  return intermediate->register_module("dense", linear(config.hidden_size, config.intermediate_size));
}

at::Tensor QFormerLayerImpl::forward(const at::Tensor& x, const at::Tensor& memory, const at::Tensor& mask) {
  auto y = attention_->forward(x, x, {});
  if (crossattention_) y = crossattention_->forward(y, memory, mask);
  const auto hidden = intermediate_->forward(y, is_training());
  return output_->forward(activation_ == "gelu" ? hidden : transformersActivation(activation_, hidden), y);
}

QFormerImpl::QFormerImpl(const QFormerConfig& config) : config_(config) {
  check(config);
  layernorm_ = register_module("layernorm", norm(config));
  dropout_ = register_module("dropout", Dropout(config.hidden_dropout_prob));
  const auto encoder = register_module("encoder", std::make_shared<Named>());
  const auto layers = encoder->register_module("layer", std::make_shared<Named>());
  for (int64_t i = 0; i < config.num_hidden_layers; i++)
    layers_.push_back(
        layers->register_module(std::to_string(i), QFormerLayer(config, i % config.cross_attention_frequency == 0)));
}

std::vector<at::Tensor> QFormerImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor &queries = inputs.at(0), &memory = inputs.at(1), &present = inputs.at(2);
  checkInput("qformer", queries, layernorm_->weight, {"batch", "queries", {config_.hidden_size, "values in a query"}});
  checkInput("qformer", memory, layernorm_->weight,
             {{queries.size(0), "batch"}, "tokens", {config_.encoder_hidden_size, "values in a token"}});
  checkFlags("qformer", present, {{queries.size(0), "batch"}, {memory.size(1), "tokens"}});
  const auto mask = present.to(at::kBool).unsqueeze(1).unsqueeze(1);  // (batch, 1, 1, tokens)
  auto x = dropout_->forward(layernorm_->forward(queries));
  for (auto& layer : layers_) x = layer->forward(x, memory, mask);
  return {x, x.select(1, 0)};
}

}  // namespace eegtorch
