// Llama (Touvron et al. 2023, arXiv 2302.13971), TinyLlama among them: a language model whose text may begin with
// embeddings of something else, such as EEG. Reference: transformers, LlamaForCausalLM, whose tensors have these names.
#pragma once

#include "core/model.h"
#include "llama/layer.h"

namespace eegtorch {

class LlamaImpl : public ModelImpl {
 public:
  explicit LlamaImpl(const LlamaConfig& config = {});

  // prefix_embeds (batch, prefix, hidden_size), input_ids (batch, words), attention_mask (batch, prefix + words), 0
  // where a row is padded on its left, labels (batch, words), -100 where none -> logits (batch, prefix + words,
  // vocab_size), zeros where padded; and loss, the mean over labels of the cross entropy with what came before.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

  at::Tensor embed(const at::Tensor& ids);  // (...) -> (..., hidden_size)

  // Hidden states (batch, tokens, hidden_size) after the last norm. mask: of all tokens, those in the cache included;
  // undefined where nothing is padded.
  at::Tensor hidden(const at::Tensor& embeds, const at::Tensor& mask, KeyValueCache* cache = nullptr);

  at::Tensor logits(const at::Tensor& hidden);  // (..., hidden_size) -> (..., vocab_size)

  // Adds an adapter, a (r, in) and b (out, r), to the dense weight of the projection of this name.
  void merge(const std::string& name, const at::Tensor& a, const at::Tensor& b, double scale);

  // Refuses ids that no token has (INVALID_OPTION).
  void checkTokens(const at::Tensor& ids) const;

  const LlamaConfig& config() const { return config_; }
  // A tensor of the dtype and device that embeddings have.
  const at::Tensor& like() const { return embed_tokens_->weight; }
  // Every projection inside the layers by its dotted name, such as model.layers.0.self_attn.q_proj.
  std::vector<std::pair<std::string, Projection*>> projections();

 private:
  LlamaContext context(const at::Tensor& embeds, const at::Tensor& mask, KeyValueCache* cache) const;

  LlamaConfig config_;
  Embedding embed_tokens_{nullptr};
  std::vector<LlamaLayer> layers_;
  RmsNorm norm_{nullptr};
  Linear lm_head_{nullptr};  // none where the embeddings' weight serves
};
TORCH_MODULE(Llama);

// Llama with low-rank adapters (LoRA, Hu et al. 2022, ICLR, arXiv 2106.09685), which alone learn. Reference: peft,
// whose adapter_model.safetensors names the adapters.
class LlamaLoraImpl : public LlamaImpl {
 public:
  explicit LlamaLoraImpl(const LlamaLoraConfig& config = {});
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  bool merged_;
};
TORCH_MODULE(LlamaLora);

}  // namespace eegtorch
