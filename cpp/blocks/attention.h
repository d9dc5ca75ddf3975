// Multi-head attention and the transformer encoder (Vaswani et al. 2017, NeurIPS), with the tensors of PyTorch's
// torch.nn.MultiheadAttention, TransformerEncoderLayer and TransformerEncoder. The batch comes first.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <optional>

#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/check.h"
#include "core/config.h"

namespace eegtorch {

inline constexpr std::array kTransformerActivations = {"relu", "gelu"};
using TransformerActivation = OneOf<kTransformerActivations>;

// Scaled dot-product attention in several heads. queries (batch, queries, width), keys and values (batch, tokens,
// width) -> (batch, queries, width). drop_prob: of the attention weights, in training. mask: added to the scores
// (queries, tokens), or, if boolean, where to look: (batch, 1, 1, tokens). Who may look nowhere sees zeros.
at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, int64_t heads,
                  double drop_prob, bool training, const std::optional<at::Tensor>& mask = {});

class MultiheadAttentionImpl : public torch::nn::Module {
 public:
  // width: a multiple of heads. drop_prob: of the attention weights.
  MultiheadAttentionImpl(int64_t width, int64_t heads, double drop_prob);

  // query (batch, queries, width), memory (batch, tokens, width) -> (batch, queries, width)
  at::Tensor forward(const at::Tensor& query, const at::Tensor& memory, const std::optional<at::Tensor>& mask = {});
  // Self-attention of sequences along the second dimension: x (outer, tokens, inner, width) and added likewise ->
  // added + dropout(attention). The mask is (tokens, tokens).
  at::Tensor addAlong(const at::Tensor& added, const at::Tensor& x, Dropout& dropout,
                      const std::optional<at::Tensor>& mask = {});

 private:
  at::Tensor attendItself(const at::Tensor& x, const std::optional<at::Tensor>& mask);  // as addAlong
  at::Tensor attendTo(const at::Tensor& memory, const at::Tensor& query, const std::optional<at::Tensor>& mask);

  int64_t width_, heads_;
  double drop_prob_;
  at::Tensor in_proj_weight_, in_proj_bias_;  // of queries, keys and values, one below the other
  std::optional<PackedLinear> in_proj_, query_proj_, memory_proj_, out_proj_;
};
TORCH_MODULE(MultiheadAttention);

struct TransformerOptions {
  int64_t width, heads, feedforward, layers;
  TransformerActivation activation;
  double drop_prob;
  bool norm_first = false;  // norms before attention and feed-forward, not after the sums

  // names: the options of the network that asks.
  void check(const OptionCheck& options, const char* width_name) const;
};

class TransformerLayerImpl : public torch::nn::Module {
 public:
  explicit TransformerLayerImpl(const TransformerOptions& options);
  at::Tensor forward(const at::Tensor& x);  // (batch, tokens, width), likewise

 private:
  // added + what attention, or the feed-forward part, makes of x
  at::Tensor addAttention(const at::Tensor& added, const at::Tensor& x);
  at::Tensor addFeedForward(const at::Tensor& added, const at::Tensor& x);

  bool norm_first_;
  MultiheadAttention self_attn_{nullptr};
  std::optional<PackedLinear> linear1_, linear2_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(TransformerLayer);

// Layers one after the other, without a norm at the end. They start as copies of the first, as PyTorch's do.
class TransformerEncoderImpl : public torch::nn::Module {
 public:
  explicit TransformerEncoderImpl(const TransformerOptions& options);
  at::Tensor forward(at::Tensor x);

 private:
  torch::nn::ModuleList layers_{nullptr};
};
TORCH_MODULE(TransformerEncoder);

}  // namespace eegtorch
