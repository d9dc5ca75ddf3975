// EEG tokens to the conditioning of Stable Diffusion by learned queries (the EEG-to-image design document's
// EEGCLIPMapper; cf. the Q-Former of Li et al. 2023, ICML). Reference: test/oracle/models/eeg/eeg_clip_mapper.py. The
// published code (ManojKumarTiwari/eeg2image) names its parts otherwise and classifies the pooled context.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <array>

#include "blocks/attention.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

inline constexpr std::array kClassifierInputs = {"prompt_embeds", "pooled"};

struct EegClipMapperConfig {
  int64_t in_dim = 200;
  int64_t n_tokens = 20;
  int64_t d_model = 512;
  int64_t n_heads = 8;
  int64_t n_layers = 4;
  int64_t feedforward_dim = 1024;
  TransformerActivation activation;
  int64_t n_queries = 77;
  int64_t clip_dim = 768;
  int64_t n_outputs = 10;
  OneOf<kClassifierInputs> classifier_input;
  double drop_prob = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_dim", in_dim, "width of an EEG token");
    visit("n_tokens", n_tokens, "tokens of a window; recorded, not used by the network");
    visit("d_model", d_model, "width inside the network");
    visit("n_heads", n_heads, "attention heads, a divisor of d_model");
    visit("n_layers", n_layers, "encoder layers");
    visit("feedforward_dim", feedforward_dim, "width inside each layer's feed-forward part");
    visit("activation", activation, "nonlinearity of the feed-forward part");
    visit("n_queries", n_queries, "learned queries: tokens that the image model is given");
    visit("clip_dim", clip_dim, "width of an embedding of the image model");
    visit("n_outputs", n_outputs, "classes");
    visit("classifier_input", classifier_input,
          "what classes are told from: the prompt's embedding, or its mean before the last layer, as published");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

struct ClipConditioning {
  at::Tensor encoder_hidden_states;  // (batch, n_queries, clip_dim)
  at::Tensor prompt_embeds;          // (batch, clip_dim)
  at::Tensor class_logits;           // (batch, n_outputs)
};

class EegClipMapperImpl : public ModelImpl {
 public:
  explicit EegClipMapperImpl(const EegClipMapperConfig& config = {});

  // tokens (batch, any number, in_dim)
  ClipConditioning forward(const at::Tensor& tokens);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  at::Tensor project(const at::Tensor& tokens);  // (batch, tokens, d_model)

  EegClipMapperConfig config_;
  std::optional<PackedLinear> input_first_, input_second_;
  torch::nn::LayerNorm input_norm_{nullptr};
  Dropout input_dropout_{nullptr};
  TransformerEncoder encoder_{nullptr};
  at::Tensor queries_;
  MultiheadAttention query_attention_{nullptr};
  torch::nn::LayerNorm query_norm_{nullptr}, context_norm_{nullptr};
  std::optional<PackedLinear> context_projection_, prompt_projection_;
  torch::nn::Linear classifier_{nullptr};
};
TORCH_MODULE(EegClipMapper);

}  // namespace eegtorch
