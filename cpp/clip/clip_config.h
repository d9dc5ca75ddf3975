// What the text and image networks of CLIP have in common: the options of their encoder, by transformers' names.
#pragma once

#include <array>

#include "core/config.h"

namespace eegtorch {

inline constexpr std::array kClipActivations = {"quick_gelu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"};

struct ClipEncoderConfig {
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t projection_dim = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  OneOf<kClipActivations> hidden_act;
  double layer_norm_eps = 1e-5;
  double attention_dropout = 0;

  template <class Visitor>
  void encoderFields(Visitor&& visit) {
    visit("hidden_size", hidden_size, "width of a token");
    visit("intermediate_size", intermediate_size, "width inside each layer's feed-forward part");
    visit("projection_dim", projection_dim, "width of the space that texts and images share");
    visit("num_hidden_layers", num_hidden_layers, "layers");
    visit("num_attention_heads", num_attention_heads, "attention heads, a divisor of hidden_size");
    visit("hidden_act", hidden_act, "nonlinearity of the feed-forward part, by its name in transformers");
    visit("layer_norm_eps", layer_norm_eps, "added to variances in layer norms");
    visit("attention_dropout", attention_dropout, "dropout probability of attention weights");
  }

  // owner: the registry name, for messages.
  void check(const char* owner) const;
};

}  // namespace eegtorch
