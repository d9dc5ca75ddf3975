// The text network of CLIP (Radford et al. 2021, ICML, arXiv 2103.00020). References: transformers, CLIPTextModel and
// CLIPTextModelWithProjection, whose tensors have these names.
#pragma once

#include "clip/clip_encoder.h"
#include "core/model.h"

namespace eegtorch {

struct ClipTextConfig : ClipEncoderConfig {
  int64_t vocab_size = 49408;
  int64_t max_position_embeddings = 77;
  int64_t pad_token_id = 1;
  int64_t bos_token_id = 0;
  int64_t eos_token_id = 2;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("vocab_size", vocab_size, "tokens of the vocabulary");
    visit("max_position_embeddings", max_position_embeddings, "tokens that a text may have");
    encoderFields(visit);
    visit("pad_token_id", pad_token_id, "token that fills texts up; recorded, not used by the network");
    visit("bos_token_id", bos_token_id, "token that begins a text; recorded, not used by the network");
    visit("eos_token_id", eos_token_id,
          "token whose row is the text's; 2, which published files say wrongly, takes the row of the largest id");
  }
};

// Everything up to the rows of tokens, named text_model in both networks.
class ClipTextBodyImpl : public torch::nn::Module {
 public:
  ClipTextBodyImpl(const char* owner, const ClipTextConfig& config);
  ClipStates forward(const at::Tensor& ids);      // (batch, tokens); last is normalised
  at::Tensor normalise(const at::Tensor& state);  // (batch, tokens, hidden_size), likewise
  // The row of each text's end, (batch, hidden_size), of `last`.
  at::Tensor pool(const at::Tensor& last, const at::Tensor& ids) const;

 private:
  const char* owner_;
  ClipTextConfig config_;
  Embedding token_embedding_{nullptr}, position_embedding_{nullptr};
  ClipEncoder encoder_{nullptr};
  LayerNorm final_layer_norm_{nullptr};
};
TORCH_MODULE(ClipTextBody);

class ClipTextImpl : public ModelImpl {
 public:
  explicit ClipTextImpl(const ClipTextConfig& config = {});

  // input_ids (batch, tokens), int64 -> last_hidden_state (batch, tokens, hidden_size), pooler_output (batch,
  // hidden_size), penultimate: what the last layer is given, and penultimate_normed: that after the final norm.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;
  // transformers 5 writes the names without text_model.
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  ClipTextBody text_model_{nullptr};
};
TORCH_MODULE(ClipText);

class ClipTextWithProjectionImpl : public ModelImpl {
 public:
  explicit ClipTextWithProjectionImpl(const ClipTextConfig& config = {});

  // input_ids (batch, tokens), int64 -> text_embeds (batch, projection_dim), last_hidden_state and penultimate
  // (batch, tokens, hidden_size)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  ClipTextBody text_model_{nullptr};
  Linear text_projection_{nullptr};
};
TORCH_MODULE(ClipTextWithProjection);

}  // namespace eegtorch
