// One layer of Llama (Touvron et al. 2023, arXiv 2302.13971): attention in which several heads share keys and values
// (Ainslie et al. 2023, EMNLP, arXiv 2305.13245), rotary positions (Su et al. 2024, Neurocomputing 568) and a gated
// feed-forward part. Reference: transformers, LlamaDecoderLayer, whose tensors have these names.
#pragma once

#include "blocks/layers.h"
#include "llama/config.h"
#include "llama/key_value_cache.h"
#include "llama/projection.h"

namespace eegtorch {

// What all layers know of a sequence.
struct LlamaContext {
  at::Tensor cos, sin;             // (batch, 1, tokens, head width)
  std::optional<at::Tensor> mask;  // (batch, 1, tokens, all tokens), true where to look; none: see `causal`
  bool causal = true;              // without mask: each token looks at those up to itself; else at all
  KeyValueCache* cache = nullptr;  // or none
};

class LlamaAttentionImpl : public torch::nn::Module {
 public:
  LlamaAttentionImpl(const LlamaConfig& config, int64_t index);
  at::Tensor forward(const at::Tensor& x, const LlamaContext& context);  // (batch, tokens, hidden_size), likewise

  Projection q_proj, k_proj, v_proj, o_proj;

 private:
  int64_t index_, heads_, shared_heads_, width_;
};
TORCH_MODULE(LlamaAttention);

class LlamaFeedForwardImpl : public torch::nn::Module {
 public:
  explicit LlamaFeedForwardImpl(const LlamaConfig& config);
  at::Tensor forward(const at::Tensor& x);

  Projection gate_proj, up_proj, down_proj;
};
TORCH_MODULE(LlamaFeedForward);

class LlamaLayerImpl : public torch::nn::Module {
 public:
  LlamaLayerImpl(const LlamaConfig& config, int64_t index);
  at::Tensor forward(const at::Tensor& x, const LlamaContext& context);

  // Its projections by name, such as self_attn.q_proj.
  std::vector<std::pair<std::string, Projection*>> projections();

 private:
  LlamaAttention self_attn_{nullptr};
  LlamaFeedForward mlp_{nullptr};
  RmsNorm input_layernorm_{nullptr}, post_attention_layernorm_{nullptr};
};
TORCH_MODULE(LlamaLayer);

// Cosines and sines of the rotary positions (batch, tokens), int64 -> (batch, 1, tokens, head width) each.
std::pair<at::Tensor, at::Tensor> rotaryPositions(const LlamaConfig& config, const at::Tensor& positions,
                                                  at::ScalarType dtype);

}  // namespace eegtorch
