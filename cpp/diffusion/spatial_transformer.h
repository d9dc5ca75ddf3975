// Attention over the pixels of an image, and from them to a context such as a text (Rombach et al. 2022, CVPR, arXiv
// 2112.10752). Reference: diffusers, Transformer2DModel and BasicTransformerBlock, whose tensors have these names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "blocks/dropout.h"
#include "blocks/layers.h"

namespace eegtorch {

struct SpatialTransformerOptions {
  int64_t channels;  // a multiple of heads and of groups
  int64_t heads, layers, context_width, groups;
  bool linear_projection;  // whether what surrounds the layers is stored as linear layers, not 1 x 1 convolutions
  double dropout = 0;
};

// Where attention has biases.
struct AttentionBias {
  bool in = false, out = true;
};

// Attention of tokens to those of a context, of context_width.
class CrossAttentionImpl : public torch::nn::Module {
 public:
  CrossAttentionImpl(int64_t width, int64_t context_width, int64_t heads, double dropout,
                     const AttentionBias& bias = {});
  // x (batch, tokens, width), context (batch, context tokens, context_width) -> (batch, tokens, width)
  at::Tensor forward(const at::Tensor& x, const at::Tensor& context);

 private:
  int64_t heads_;
  Linear to_q_{nullptr}, to_k_{nullptr}, to_v_{nullptr}, to_out_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(CrossAttention);

struct FeedForwardShape {
  int64_t inner = 0;  // width inside; 0: four times that outside
  bool bias = true;
};

// A linear layer whose one half passes GELU and gates the other (Shazeer 2020, arXiv 2002.05202), and one back.
class GatedFeedForwardImpl : public torch::nn::Module {
 public:
  GatedFeedForwardImpl(int64_t width, double dropout, const FeedForwardShape& shape = {});
  at::Tensor forward(const at::Tensor& x);  // (batch, tokens, width), likewise

 private:
  Linear proj_{nullptr}, out_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(GatedFeedForward);

class SpatialTransformerLayerImpl : public torch::nn::Module {
 public:
  explicit SpatialTransformerLayerImpl(const SpatialTransformerOptions& options);
  at::Tensor forward(at::Tensor x, const at::Tensor& context);  // as CrossAttention

 private:
  LayerNorm norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
  CrossAttention attn1_{nullptr}, attn2_{nullptr};
  GatedFeedForward ff_{nullptr};
};
TORCH_MODULE(SpatialTransformerLayer);

class SpatialTransformerImpl : public torch::nn::Module {
 public:
  explicit SpatialTransformerImpl(const SpatialTransformerOptions& options);
  // x (batch, channels, height, width), likewise; context (batch, tokens, context_width)
  at::Tensor forward(const at::Tensor& x, const at::Tensor& context);

 private:
  // A layer of the surroundings on (batch, pixels, channels), however its weight is stored.
  at::Tensor project(const WeightedImpl& layer, const at::Tensor& pixels) const;
  std::shared_ptr<WeightedImpl> addProjection(const char* name, const SpatialTransformerOptions& options);

  GroupNorm norm_{nullptr};
  std::shared_ptr<WeightedImpl> proj_in_, proj_out_;
  std::vector<SpatialTransformerLayer> layers_;
};
TORCH_MODULE(SpatialTransformer);

}  // namespace eegtorch
