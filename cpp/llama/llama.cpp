#include "llama/llama.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/nn/init.h>

#include <algorithm>

#include "blocks/chain.h"
#include "blocks/recompute.h"
#include "core/check.h"
#include "core/state_dict.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

constexpr int64_t kNoLabel = -100;

void check(const LlamaConfig& c) {
  const OptionCheck options("llama");
  options.size("vocab_size", c.vocab_size);
  options.size("hidden_size", c.hidden_size);
  options.size("intermediate_size", c.intermediate_size);
  options.size("num_hidden_layers", c.num_hidden_layers);
  options.size("num_attention_heads", c.num_attention_heads);
  options.divides("num_key_value_heads", c.num_key_value_heads, "num_attention_heads", c.num_attention_heads);
  if (c.head_dim)
    options.size("head_dim", *c.head_dim);
  else
    options.divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size);
  options.require(c.headDim() % 2 == 0, "head_dim", "an even width", std::to_string(c.headDim()));
  options.size("max_position_embeddings", c.max_position_embeddings);
  options.positive("rms_norm_eps", c.rms_norm_eps);
  options.positive("rope_theta", c.rope_theta);
  options.positive("rope_factor", c.rope_factor);
  options.positive("rope_low_freq_factor", c.rope_low_freq_factor);
  options.require(c.rope_high_freq_factor > c.rope_low_freq_factor, "rope_high_freq_factor",
                  "more than rope_low_freq_factor", std::to_string(c.rope_high_freq_factor));
  options.size("rope_original_max_position_embeddings", c.rope_original_max_position_embeddings);
}

const LlamaConfig& checked(const LlamaConfig& config) {
  check(config);
  return config;
}

// The module at a dotted name, made of Named parts where there is none.
torch::nn::Module& partAt(torch::nn::Module& root, const std::string& name) {
  const auto dot = name.find('.');
  const auto first = name.substr(0, dot);
  const auto children = root.named_children();
  const auto* found = children.find(first);
  auto& part = found ? **found : *root.register_module(first, std::make_shared<Named>());
  return dot == std::string::npos ? part : partAt(part, name.substr(dot + 1));
}

at::Tensor meanLoss(const at::Tensor& logits, const at::Tensor& labels, int64_t prefix) {
  // Word i is foretold at place prefix + i - 1.
  const int64_t skipped = prefix == 0 ? 1 : 0, words = labels.size(1) - skipped;
  const auto told = logits.narrow(1, prefix + skipped - 1, words).flatten(0, 1).to(at::kFloat);
  return at::cross_entropy_loss(told, labels.narrow(1, skipped, words).flatten(), {}, at::Reduction::Mean, kNoLabel);
}

void requireShape(const std::string& name, const at::Tensor& tensor, at::IntArrayRef shape) {
  if (tensor.sizes().equals(shape)) return;
  throw Error("CHECKPOINT_MISMATCH", name + " has another shape", showShape(shape), showShape(tensor.sizes()));
}

}  // namespace

LlamaImpl::LlamaImpl(const LlamaConfig& config) : config_(checked(config)) {
  const auto model = register_module("model", std::make_shared<Named>());
  embed_tokens_ = model->register_module("embed_tokens", Embedding(config.vocab_size, config.hidden_size));
  const auto layers = model->register_module("layers", std::make_shared<Named>());
  for (int64_t i = 0; i < config.num_hidden_layers; i++)
    layers_.push_back(layers->register_module(std::to_string(i), LlamaLayer(config, i)));
  norm_ = model->register_module("norm", RmsNorm(config.hidden_size, config.rms_norm_eps));
  const bool draw = !WithoutInitialisation::active();
  if (draw) torch::nn::init::normal_(embed_tokens_->weight, 0, kLlamaDeviation);
  if (config.tie_word_embeddings) {
    // State dicts have the name; as a parameter it would be trained twice.
    register_module("lm_head", std::make_shared<Named>())->register_buffer("weight", embed_tokens_->weight);
    return;
  }
  lm_head_ = register_module("lm_head", Linear(config.hidden_size, config.vocab_size, false));
  if (draw) torch::nn::init::normal_(lm_head_->weight, 0, kLlamaDeviation);
}

std::vector<std::pair<std::string, Projection*>> LlamaImpl::projections() {
  std::vector<std::pair<std::string, Projection*>> all;
  for (size_t i = 0; i < layers_.size(); i++)
    for (const auto& [name, projection] : layers_[i]->projections())
      all.emplace_back("model.layers." + std::to_string(i) + "." + name, projection);
  return all;
}

void LlamaImpl::merge(const std::string& name, const at::Tensor& a, const at::Tensor& b, double scale) {
  const at::NoGradGuard no_grad;
  for (auto& [own_name, own] : stateDict(*this)) {
    if (own_name != name + ".weight") continue;
    if (!own.is_floating_point())
      throw Error("INVALID_OPTION", "an adapter cannot be merged into four bits", "dense weights", "nf4");
    if (a.dim() != 2 || b.dim() != 2 || a.size(0) != b.size(1)) requireShape(name, b, {own.size(0), a.size(0)});
    requireShape(name, at::empty({b.size(0), a.size(1)}, at::kMeta), own.sizes());
    const auto difference = at::mm(b.to(own.device(), at::kFloat), a.to(own.device(), at::kFloat)) * scale;
    own.add_(difference.to(own.scalar_type()));
    return;
  }
  throw Error("CHECKPOINT_MISMATCH", "this network has no projection " + name);
}

void LlamaImpl::checkTokens(const at::Tensor& ids) const {
  if (ids.numel() == 0) return;
  const auto [low, high] = at::aminmax(ids);
  const int64_t least = low.item<int64_t>(), most = high.item<int64_t>();
  if (least >= 0 && most < config_.vocab_size) return;
  throw Error("INVALID_OPTION", "llama: a token is not in the vocabulary",
              "0 to " + std::to_string(config_.vocab_size - 1), std::to_string(least < 0 ? least : most), "input_ids");
}

at::Tensor LlamaImpl::embed(const at::Tensor& ids) {
  checkTokens(ids);
  return embed_tokens_->forward(ids);
}

LlamaContext LlamaImpl::context(const at::Tensor& embeds, const at::Tensor& mask, KeyValueCache* cache) const {
  const int64_t seen = cache ? cache->length() : 0, tokens = embeds.size(1), all = seen + tokens;
  if (all > config_.max_position_embeddings)
    throw Error("SHAPE_MISMATCH", "llama: the text is too long",
                std::to_string(config_.max_position_embeddings) + " tokens at most (max_position_embeddings)",
                std::to_string(all));
  const auto options = embeds.options().dtype(at::kLong);
  LlamaContext context;
  context.cache = cache;
  at::Tensor positions = at::arange(seen, all, options).unsqueeze(0);
  if (mask.defined()) {
    positions = (mask.to(at::kLong).cumsum(1) - 1).clamp_min(0).narrow(1, seen, tokens);
    const auto places = at::arange(all, options);
    const auto rows = at::arange(seen, all, options).unsqueeze(1);  // (tokens, 1)
    const auto there = mask.to(at::kBool).unsqueeze(1).unsqueeze(1);
    // Padding looks at itself, so that no row of the softmax is empty.
    context.mask = there.logical_and(places <= rows).logical_or(places == rows);
  } else if (seen > 0 && tokens > 1) {
    const auto rows = at::arange(seen, all, options).unsqueeze(1);
    context.mask = (at::arange(all, options) <= rows).unsqueeze(0).unsqueeze(0);
  }
  std::tie(context.cos, context.sin) = rotaryPositions(config_, positions, embeds.scalar_type());
  return context;
}

at::Tensor LlamaImpl::hidden(const at::Tensor& embeds, const at::Tensor& mask, KeyValueCache* cache) {
  const auto context = this->context(embeds, mask, cache);
  auto x = embeds;
  const bool again = config_.gradient_checkpointing && is_training() && !cache;
  for (auto& layer : layers_)
    x = again ? recompute([layer, context](const at::Tensor& y) { return LlamaLayer(layer)->forward(y, context); }, x)
              : layer->forward(x, context);
  return norm_->forward(x);
}

at::Tensor LlamaImpl::logits(const at::Tensor& hidden) {
  return lm_head_ ? lm_head_->forward(hidden) : kernels::linear(hidden, embed_tokens_->weight);
}

std::vector<at::Tensor> LlamaImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor &prefix = inputs.at(0), &ids = inputs.at(1), &present = inputs.at(2), &labels = inputs.at(3);
  checkInput("llama", prefix, like(), {"batch", "prefix", {config_.hidden_size, "values in an embedding"}});
  const Axis batch{prefix.size(0), "batch"};
  checkIndices("llama", ids, {batch, "words"});
  checkFlags("llama", present, {batch, {prefix.size(1) + ids.size(1), "prefix and words"}});
  checkIndices("llama", labels, {batch, {ids.size(1), "words"}});
  checkTokens(labels.masked_fill(labels == kNoLabel, 0));
  const auto embeds = at::cat({prefix, embed(ids).to(prefix.scalar_type())}, 1);
  at::Tensor mask;
  if (!present.to(at::kBool).all().item<bool>()) mask = present;
  const auto logits = this->logits(hidden(embeds, mask));
  const auto there = present.unsqueeze(2).to(logits.scalar_type());
  return {mask.defined() ? logits * there : logits, meanLoss(logits, labels, prefix.size(1))};
}

LlamaLoraImpl::LlamaLoraImpl(const LlamaLoraConfig& config) : LlamaImpl(config), merged_(config.merged) {
  const OptionCheck options("llama_lora");
  options.size("r", config.r);
  options.positive("lora_alpha", config.lora_alpha);
  options.fraction("lora_dropout", config.lora_dropout);
  for (auto& parameter : parameters()) parameter.set_requires_grad(false);
  auto unused = config.target_modules;
  for (const auto& [name, projection] : projections()) {
    const auto kind = name.substr(name.rfind('.') + 1);
    if (std::find(config.target_modules.begin(), config.target_modules.end(), kind) == config.target_modules.end())
      continue;
    std::erase(unused, kind);
    const auto& shape = projection->shape();
    const double scale = config.lora_alpha / static_cast<double>(config.r);
    auto& owner = partAt(*this, "base_model.model." + name);
    projection->attach(Lora(owner, shape.in, shape.out, config.r, scale, config.lora_dropout), merged_);
  }
  options.require(unused.empty() && !config.target_modules.empty(), "target_modules",
                  "names of projections: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj",
                  unused.empty() ? "none" : unused.front());
}

std::vector<at::Tensor> LlamaLoraImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::AutoGradMode grad(at::GradMode::is_enabled() && !merged_);
  return LlamaImpl::run(inputs);
}

}  // namespace eegtorch
