// Options of Llama, with the names of transformers' LlamaConfig where they are the same.
#pragma once

#include <array>
#include <cmath>

#include "core/config.h"

namespace eegtorch {

inline constexpr std::array kLlamaActivations = {"silu"};
inline constexpr std::array kRopeTypes = {"default", "linear", "llama3"};
inline constexpr std::array kWeightFormats = {"dense", "nf4"};

struct LlamaConfig {
  int64_t vocab_size = 32000;
  int64_t hidden_size = 2048;
  int64_t intermediate_size = 5632;
  int64_t num_hidden_layers = 22;
  int64_t num_attention_heads = 32;
  int64_t num_key_value_heads = 4;
  std::optional<int64_t> head_dim;
  OneOf<kLlamaActivations> hidden_act;
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-5;
  double rope_theta = 10000;
  OneOf<kRopeTypes> rope_type;
  double rope_factor = 1;
  double rope_low_freq_factor = 1;
  double rope_high_freq_factor = 4;
  int64_t rope_original_max_position_embeddings = 8192;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool tie_word_embeddings = false;
  int64_t bos_token_id = 1;
  int64_t eos_token_id = 2;
  int64_t pad_token_id = 0;
  OneOf<kWeightFormats> weights;
  bool double_quant = true;
  bool gradient_checkpointing = false;

  int64_t headDim() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  bool nf4() const { return weights.value == "nf4"; }
  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("vocab_size", vocab_size, "tokens");
    visit("hidden_size", hidden_size, "width of an embedding");
    visit("intermediate_size", intermediate_size, "width inside each layer's feed-forward part");
    visit("num_hidden_layers", num_hidden_layers, "layers");
    visit("num_attention_heads", num_attention_heads, "attention heads");
    visit("num_key_value_heads", num_key_value_heads,
          "heads of keys and values, a divisor of num_attention_heads: that many heads share one");
    visit("head_dim", head_dim, "width of a head, even; hidden_size / num_attention_heads when null");
    visit("hidden_act", hidden_act, "nonlinearity of the feed-forward part");
    visit("max_position_embeddings", max_position_embeddings, "longest sequence, prefix included");
    visit("rms_norm_eps", rms_norm_eps, "added to mean squares in norms");
    visit("rope_theta", rope_theta, "base of the rotary positions' wavelengths");
    visit("rope_type", rope_type,
          "how positions reach beyond those of the first training: not; all stretched; or, of Llama 3.1, slow waves "
          "alone");
    visit("rope_factor", rope_factor, "with linear and llama3: times that waves are stretched");
    visit("rope_low_freq_factor", rope_low_freq_factor,
          "with llama3: waves with fewer turns in the original positions are stretched whole");
    visit("rope_high_freq_factor", rope_high_freq_factor, "with llama3: waves with more turns in them stay");
    visit("rope_original_max_position_embeddings", rope_original_max_position_embeddings,
          "with llama3: positions of the first training");
    visit("attention_bias", attention_bias, "whether the attention's projections have biases");
    visit("mlp_bias", mlp_bias, "whether the feed-forward part's projections have biases");
    visit("tie_word_embeddings", tie_word_embeddings, "whether the logits' weights are those of the embeddings");
    visit("bos_token_id", bos_token_id, "token that begins a text; recorded, not used by the network");
    visit("eos_token_id", eos_token_id, "token that ends a text");
    visit("pad_token_id", pad_token_id, "token that fills texts up");
    visit("weights", weights, "how the projections inside the layers hold their weights: as numbers or in four bits");
    visit("double_quant", double_quant, "with nf4: whether the scales are quantised too");
    visit("gradient_checkpointing", gradient_checkpointing,
          "whether training computes each layer a second time for its gradient, so as not to keep what is inside");
  }
};

struct LlamaLoraConfig : LlamaConfig {
  int64_t r = 8;
  double lora_alpha = 16;
  double lora_dropout = 0.05;
  std::vector<std::string> target_modules = {"q_proj", "v_proj"};
  bool merged = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    LlamaConfig::fields(visit);
    visit("r", r, "rank of an adapter");
    visit("lora_alpha", lora_alpha, "an adapter is scaled by lora_alpha / r");
    visit("lora_dropout", lora_dropout, "dropout probability before an adapter");
    visit("target_modules", target_modules,
          "projections with an adapter: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj");
    visit("merged", merged, "whether adapters are added to the weights, for comparison: the same logits, no gradients");
  }
};

}  // namespace eegtorch
