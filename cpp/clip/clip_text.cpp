#include "clip/clip_text.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"
#include "core/check.h"

namespace eegtorch {

namespace {

constexpr const char *kText = "clip_text", *kWithProjection = "clip_text_with_projection";
// Published configs say 2 where the tokenizer's end is the largest id.
constexpr int64_t kLargestIdEnds = 2;

}  // namespace

ClipTextBodyImpl::ClipTextBodyImpl(const char* owner, const ClipTextConfig& config) : owner_(owner), config_(config) {
  config.check(owner);
  const OptionCheck options(owner);
  options.size("vocab_size", config.vocab_size);
  options.size("max_position_embeddings", config.max_position_embeddings);
  const auto embeddings = register_module("embeddings", std::make_shared<Named>());
  token_embedding_ = embeddings->register_module("token_embedding", Embedding(config.vocab_size, config.hidden_size));
  position_embedding_ =
      embeddings->register_module("position_embedding", Embedding(config.max_position_embeddings, config.hidden_size));
  encoder_ = register_module("encoder", ClipEncoder(config));
  final_layer_norm_ = register_module("final_layer_norm", LayerNorm(config.hidden_size, config.layer_norm_eps));
}

ClipStates ClipTextBodyImpl::forward(const at::Tensor& ids) {
  checkIndices(owner_, ids, {"batch", "tokens"});
  const int64_t tokens = ids.size(1);
  if (tokens < 1 || tokens > config_.max_position_embeddings)
    throw Error("SHAPE_MISMATCH", std::string(owner_) + " was given texts of another length",
                "1 to " + std::to_string(config_.max_position_embeddings) + " tokens", std::to_string(tokens));
  const auto x = token_embedding_->forward(ids) + position_embedding_->weight.narrow(0, 0, tokens);
  auto states = encoder_->forward(x, /*causal=*/true);
  states.last = normalise(states.last);
  return states;
}

at::Tensor ClipTextBodyImpl::normalise(const at::Tensor& state) { return final_layer_norm_->forward(state); }

at::Tensor ClipTextBodyImpl::pool(const at::Tensor& last, const at::Tensor& ids) const {
  const bool largest = config_.eos_token_id == kLargestIdEnds;
  const auto rows = (largest ? ids : ids.eq(config_.eos_token_id).to(at::kInt)).argmax(1);  // (batch), the first
  const auto index = rows.view({-1, 1, 1}).expand({-1, 1, last.size(2)});
  return last.gather(1, index).squeeze(1);
}

ClipTextImpl::ClipTextImpl(const ClipTextConfig& config) {
  text_model_ = register_module("text_model", ClipTextBody(kText, config));
}

std::vector<at::Tensor> ClipTextImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto& ids = inputs.at(0);
  const auto states = text_model_->forward(ids);
  return {states.last, text_model_->pool(states.last, ids), states.penultimate,
          text_model_->normalise(states.penultimate)};
}

std::unordered_map<std::string, std::string> ClipTextImpl::olderNames() const {
  std::unordered_map<std::string, std::string> names;
  for (const auto& item : text_model_->named_parameters()) names.emplace(item.key(), "text_model." + item.key());
  return names;
}

ClipTextWithProjectionImpl::ClipTextWithProjectionImpl(const ClipTextConfig& config) {
  text_model_ = register_module("text_model", ClipTextBody(kWithProjection, config));
  text_projection_ =
      register_module("text_projection", Linear(config.hidden_size, config.projection_dim, /*with_bias=*/false));
}

std::vector<at::Tensor> ClipTextWithProjectionImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto& ids = inputs.at(0);
  const auto states = text_model_->forward(ids);
  return {text_projection_->forward(text_model_->pool(states.last, ids)), states.last, states.penultimate};
}

}  // namespace eegtorch
