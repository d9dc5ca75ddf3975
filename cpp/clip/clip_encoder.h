// The transformer of CLIP's text and image networks (Radford et al. 2021, ICML, arXiv 2103.00020): norms before
// attention and feed-forward. Reference: transformers, CLIPEncoder, whose tensors have these names.
#pragma once

#include "blocks/layers.h"
#include "clip/clip_config.h"

namespace eegtorch {

class ClipAttentionImpl : public torch::nn::Module {
 public:
  explicit ClipAttentionImpl(const ClipEncoderConfig& config);
  at::Tensor forward(const at::Tensor& x, bool causal);  // (batch, tokens, hidden_size), likewise

 private:
  int64_t heads_;
  double drop_prob_;
  Linear k_proj_{nullptr}, v_proj_{nullptr}, q_proj_{nullptr}, out_proj_{nullptr};
};
TORCH_MODULE(ClipAttention);

class ClipLayerImpl : public torch::nn::Module {
 public:
  explicit ClipLayerImpl(const ClipEncoderConfig& config);
  at::Tensor forward(const at::Tensor& x, bool causal);

 private:
  std::string activation_;
  ClipAttention self_attn_{nullptr};
  LayerNorm layer_norm1_{nullptr}, layer_norm2_{nullptr};
  Linear fc1_{nullptr}, fc2_{nullptr};
};
TORCH_MODULE(ClipLayer);

struct ClipStates {
  at::Tensor last, penultimate;  // (batch, tokens, hidden_size), what the last layer gives and what it is given
};

class ClipEncoderImpl : public torch::nn::Module {
 public:
  explicit ClipEncoderImpl(const ClipEncoderConfig& config);
  ClipStates forward(const at::Tensor& x, bool causal);  // causal: a token looks at itself and those before it

 private:
  std::vector<ClipLayer> layers_;
};
TORCH_MODULE(ClipEncoder);

}  // namespace eegtorch
