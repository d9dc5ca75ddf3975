// The querying transformer of BLIP-2 (Li et al. 2023, ICML, arXiv 2301.12597): queries attend to each other and, in
// every few layers, to an encoder's tokens, here of EEG or images. Reference: transformers, Blip2QFormerModel, whose
// tensors have these names.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <array>

#include "blocks/chain.h"
#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

inline constexpr std::array kQFormerActivations = {
    "gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu", "tanh", "sigmoid"};

struct QFormerConfig {
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  OneOf<kQFormerActivations> hidden_act;
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  int64_t max_position_embeddings = 512;
  double layer_norm_eps = 1e-12;
  int64_t pad_token_id = 0;
  int64_t cross_attention_frequency = 2;
  int64_t encoder_hidden_size = 1408;
  bool use_qformer_text_input = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("vocab_size", vocab_size, "words of the text branch; recorded, not used by the network");
    visit("hidden_size", hidden_size, "width of a query");
    visit("num_hidden_layers", num_hidden_layers, "layers");
    visit("num_attention_heads", num_attention_heads, "attention heads, a divisor of hidden_size");
    visit("intermediate_size", intermediate_size, "width inside each layer's feed-forward part");
    visit("hidden_act", hidden_act, "nonlinearity of the feed-forward part, by its name in transformers");
    visit("hidden_dropout_prob", hidden_dropout_prob, "dropout probability");
    visit("attention_probs_dropout_prob", attention_probs_dropout_prob, "dropout probability of attention weights");
    visit("max_position_embeddings", max_position_embeddings, "length of texts; recorded, not used by the network");
    visit("layer_norm_eps", layer_norm_eps, "added to variances in layer norms");
    visit("pad_token_id", pad_token_id, "word that fills texts up; recorded, not used by the network");
    visit("cross_attention_frequency", cross_attention_frequency,
          "every so many layers, from the first, attend to the encoder's tokens");
    visit("encoder_hidden_size", encoder_hidden_size, "width of the encoder's tokens");
    visit("use_qformer_text_input", use_qformer_text_input,
          "whether the text branch's tensors are there, as in checkpoints that have one; queries do not pass it");
  }
};

// A linear layer, dropout, and the norm of the sum with what went around.
class QFormerResidualImpl : public torch::nn::Module {
 public:
  QFormerResidualImpl(int64_t in, const QFormerConfig& config);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& around);

 private:
  std::optional<PackedLinear> dense_;
  torch::nn::LayerNorm norm_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(QFormerResidual);

class QFormerAttentionImpl : public torch::nn::Module {
 public:
  // memory_width: of the tokens that are looked at.
  QFormerAttentionImpl(int64_t memory_width, const QFormerConfig& config);
  // x (batch, queries, hidden_size), memory (batch, tokens, memory_width), mask as in attend()
  at::Tensor forward(const at::Tensor& x, const at::Tensor& memory, const std::optional<at::Tensor>& mask);

 private:
  int64_t heads_;
  double drop_prob_;
  std::optional<PackedLinear> query_, key_, value_;
  QFormerResidual output_{nullptr};
};
TORCH_MODULE(QFormerAttention);

class QFormerLayerImpl : public torch::nn::Module {
 public:
  QFormerLayerImpl(const QFormerConfig& config, bool crosses);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& memory, const at::Tensor& mask);

 private:
  // The two linear layers of a feed-forward part, which the reference names apart.
  torch::nn::Linear addFeedForward(const QFormerConfig& config, const std::string& suffix, QFormerResidual& output);

  std::string activation_;
  QFormerAttention attention_{nullptr}, crossattention_{nullptr};
  std::optional<PackedLinear> intermediate_;
  QFormerResidual output_{nullptr};
};
TORCH_MODULE(QFormerLayer);

class QFormerImpl : public ModelImpl {
 public:
  explicit QFormerImpl(const QFormerConfig& config = {});

  // query_embeds (batch, queries, hidden_size), encoder_hidden_states (batch, tokens, encoder_hidden_size),
  // encoder_attention_mask (batch, tokens), 1 where a token is there -> last_hidden_state (batch, queries,
  // hidden_size), and its first query as pooler_output (batch, hidden_size).
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  QFormerConfig config_;
  torch::nn::LayerNorm layernorm_{nullptr};
  Dropout dropout_{nullptr};
  std::vector<QFormerLayer> layers_;
};
TORCH_MODULE(QFormer);

}  // namespace eegtorch
