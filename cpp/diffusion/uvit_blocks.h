// Parts of aMUSEd's transformer. Images are (batch, height, width, channels) throughout. Reference: diffusers,
// UVitBlock, ConvNextBlock, SkipFFTransformerBlock and BasicTransformerBlock with continuous adaptive norms, whose
// tensors have these names.
#pragma once

#include <vector>

#include "blocks/dropout.h"
#include "blocks/layers.h"
#include "diffusion/spatial_transformer.h"

namespace eegtorch {

struct UVitOptions {
  int64_t hidden;           // width of the transformer, of text tokens and of the condition
  int64_t channels, heads;  // of the blocks around it
  int64_t blocks;           // convolutional, each with attention, before and after it
  int64_t transformer_heads, feedforward;
  double hidden_dropout, attention_dropout, eps;
  bool bias;
};

// A 1 x 1 convolution of (..., in).
at::Tensor pointwise(const Conv2d& conv, const at::Tensor& x);

// A 3 x 3 filter of each channel for itself.
class DepthwiseConvImpl : public WeightedImpl {
 public:
  DepthwiseConvImpl(int64_t channels, bool bias);
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(DepthwiseConv);

// Every pixel becomes two by two, by a transposed convolution after a norm.
class PixelDoublingImpl : public torch::nn::Module {
 public:
  explicit PixelDoublingImpl(const UVitOptions& options);
  at::Tensor forward(const at::Tensor& x);

 private:
  RmsNorm norm_{nullptr};
  std::shared_ptr<WeightedImpl> conv_;
};
TORCH_MODULE(PixelDoubling);

// Two by two pixels become one, after a norm.
class PixelHalvingImpl : public torch::nn::Module {
 public:
  explicit PixelHalvingImpl(const UVitOptions& options);
  at::Tensor forward(const at::Tensor& x);

 private:
  RmsNorm norm_{nullptr};
  Conv2d conv_{nullptr};
};
TORCH_MODULE(PixelHalving);

// How strong a channel is beside the others, over the whole image (Woo et al. 2023, CVPR, arXiv 2301.00808).
class GlobalResponseNormImpl : public torch::nn::Module {
 public:
  explicit GlobalResponseNormImpl(int64_t width);
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor gamma_, beta_;
};
TORCH_MODULE(GlobalResponseNorm);

// A block of ConvNeXt V2, scaled and shifted by the condition.
class ConvNextBlockImpl : public torch::nn::Module {
 public:
  explicit ConvNextBlockImpl(const UVitOptions& options);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& condition);  // condition (batch, hidden), after its SiLU

 private:
  DepthwiseConv depthwise_{nullptr};
  RmsNorm norm_{nullptr};
  Linear widen_{nullptr}, narrow_{nullptr}, from_condition_{nullptr};
  GlobalResponseNorm response_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(ConvNextBlock);

// Pixels attend to the text, twice.
class TextAttentionBlockImpl : public torch::nn::Module {
 public:
  explicit TextAttentionBlockImpl(const UVitOptions& options);
  at::Tensor forward(at::Tensor pixels, const at::Tensor& text);  // (batch, pixels, channels), (batch, tokens, hidden)

 private:
  Linear kv_mapper_{nullptr};
  RmsNorm norm1_{nullptr}, norm2_{nullptr};
  CrossAttention attn1_{nullptr}, attn2_{nullptr};
};
TORCH_MODULE(TextAttentionBlock);

// What stands before the transformer and after it.
class UVitStageImpl : public torch::nn::Module {
 public:
  UVitStageImpl(const UVitOptions& options, bool halves, bool doubles);
  at::Tensor forward(at::Tensor x, const at::Tensor& condition, const at::Tensor& text);

 private:
  PixelHalving downsample_{nullptr};
  std::vector<ConvNextBlock> convolutions_;
  std::vector<TextAttentionBlock> attentions_;
  PixelDoubling upsample_{nullptr};
};
TORCH_MODULE(UVitStage);

// A norm whose scale and shift the condition gives.
template <class Norm>
class ConditionedNormImpl : public torch::nn::Module {
 public:
  ConditionedNormImpl(const UVitOptions& o, const Norm& norm) {
    linear_ = register_module("linear", Linear(o.hidden, 2 * o.hidden, o.bias));
    norm_ = register_module("norm", norm);
  }
  // x (batch, tokens, hidden), condition (batch, hidden) after its SiLU
  at::Tensor forward(const at::Tensor& x, const at::Tensor& condition) {
    const auto both = linear_->forward(condition).unsqueeze(1).chunk(2, 2);
    return at::addcmul(both[1], norm_->forward(x), 1 + both[0]);
  }

 private:
  Linear linear_{nullptr};
  Norm norm_{nullptr};
};

class UVitLayerImpl : public torch::nn::Module {
 public:
  explicit UVitLayerImpl(const UVitOptions& options);
  // x (batch, pixels, hidden), condition (batch, hidden) after its SiLU, text (batch, tokens, hidden)
  at::Tensor forward(at::Tensor x, const at::Tensor& condition, const at::Tensor& text);

 private:
  std::shared_ptr<ConditionedNormImpl<RmsNorm>> norm1_, norm2_;
  std::shared_ptr<ConditionedNormImpl<LayerNorm>> norm3_;
  CrossAttention attn1_{nullptr}, attn2_{nullptr};
  GatedFeedForward ff_{nullptr};
};
TORCH_MODULE(UVitLayer);

}  // namespace eegtorch
