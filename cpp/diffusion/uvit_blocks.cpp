#include "diffusion/uvit_blocks.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"
#include "diffusion/in_place.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

constexpr double kAttentionEps = 1e-6, kResponseEps = 1e-6;
constexpr int64_t kWidening = 4;

at::Tensor channelsFirst(const at::Tensor& x) { return x.permute({0, 3, 1, 2}); }
at::Tensor channelsLast(const at::Tensor& x) { return x.permute({0, 2, 3, 1}); }

class TransposedConvImpl : public WeightedImpl {
 public:
  TransposedConvImpl(int64_t channels, bool bias) : WeightedImpl({channels, channels, 2, 2}, bias ? channels : 0) {
    drawUniform(4 * channels);
  }
};

CrossAttention attention(const UVitOptions& o, int64_t width, int64_t heads, double dropout) {
  return CrossAttention(width, width, heads, dropout, AttentionBias{.in = o.bias, .out = o.bias});
}

}  // namespace

at::Tensor pointwise(const Conv2d& conv, const at::Tensor& x) {
  return kernels::linear(x, conv->weight.flatten(1), conv->bias);
}

DepthwiseConvImpl::DepthwiseConvImpl(int64_t channels, bool bias)
    : WeightedImpl({channels, 1, 3, 3}, bias ? channels : 0) {
  drawUniform(9);
}

at::Tensor DepthwiseConvImpl::forward(const at::Tensor& x) {
  return channelsLast(at::conv2d(channelsFirst(x), weight, bias, 1, 1, 1, weight.size(0)));
}

PixelDoublingImpl::PixelDoublingImpl(const UVitOptions& o) {
  norm_ = register_module("norm", RmsNorm(o.channels, o.eps));
  conv_ = register_module("conv", std::make_shared<TransposedConvImpl>(o.channels, o.bias));
}

at::Tensor PixelDoublingImpl::forward(const at::Tensor& x) {
  return channelsLast(at::conv_transpose2d(channelsFirst(norm_->forward(x)), conv_->weight, conv_->bias, 2));
}

PixelHalvingImpl::PixelHalvingImpl(const UVitOptions& o) {
  norm_ = register_module("norm", RmsNorm(o.channels, o.eps));
  conv_ = register_module("conv", Conv2d(o.channels, o.channels, 2, Conv2dShape{.stride = 2, .bias = o.bias}));
}

at::Tensor PixelHalvingImpl::forward(const at::Tensor& x) {
  const auto normed = channelsFirst(norm_->forward(x));
  return channelsLast(conv_->forward(at::constant_pad_nd(normed, {0, 1, 0, 1})));  // an odd row or column is completed
}

GlobalResponseNormImpl::GlobalResponseNormImpl(int64_t width) {
  gamma_ = register_parameter("gamma", at::zeros({1, 1, 1, width}));
  beta_ = register_parameter("beta", at::zeros({1, 1, 1, width}));
}

at::Tensor GlobalResponseNormImpl::forward(const at::Tensor& x) {
  const auto strength = at::linalg_vector_norm(x, 2, at::IntArrayRef{1, 2}, true);  // (batch, 1, 1, width)
  const auto share = strength / (strength.mean(-1, true) + kResponseEps);
  return at::addcmul(beta_, x, 1 + gamma_ * share);
}

ConvNextBlockImpl::ConvNextBlockImpl(const UVitOptions& o) {
  const int64_t wide = kWidening * o.channels;
  depthwise_ = register_module("depthwise", DepthwiseConv(o.channels, o.bias));
  norm_ = register_module("norm", RmsNorm(o.channels, o.eps));
  widen_ = register_module("channelwise_linear_1", Linear(o.channels, wide, o.bias));
  response_ = register_module("channelwise_norm", GlobalResponseNorm(wide));
  narrow_ = register_module("channelwise_linear_2", Linear(wide, o.channels, o.bias));
  dropout_ = register_module("channelwise_dropout", Dropout(o.hidden_dropout));
  from_condition_ = register_module("cond_embeds_mapper", Linear(o.hidden, 2 * o.channels, o.bias));
}

at::Tensor ConvNextBlockImpl::forward(const at::Tensor& x, const at::Tensor& condition) {
  const auto wide = response_->forward(at::gelu(widen_->forward(norm_->forward(depthwise_->forward(x)))));
  const auto sum = addTo(dropout_->forward(narrow_->forward(wide)), x);
  const auto both = from_condition_->forward(condition).unsqueeze(1).unsqueeze(1).chunk(2, 3);
  return at::addcmul(both[1], sum, 1 + both[0]);
}

TextAttentionBlockImpl::TextAttentionBlockImpl(const UVitOptions& o) {
  if (o.hidden != o.channels) kv_mapper_ = register_module("kv_mapper", Linear(o.hidden, o.channels, o.bias));
  norm1_ = register_module("norm1", RmsNorm(o.channels, kAttentionEps));
  attn1_ = register_module("attn1", attention(o, o.channels, o.heads, o.attention_dropout));
  norm2_ = register_module("norm2", RmsNorm(o.channels, kAttentionEps));
  attn2_ = register_module("attn2", attention(o, o.channels, o.heads, o.attention_dropout));
}

at::Tensor TextAttentionBlockImpl::forward(at::Tensor pixels, const at::Tensor& text) {
  const auto seen = kv_mapper_ ? kv_mapper_->forward(at::silu(text)) : text;
  pixels = addTo(attn1_->forward(norm1_->forward(pixels), seen), pixels);
  return addTo(attn2_->forward(norm2_->forward(pixels), seen), pixels);
}

UVitStageImpl::UVitStageImpl(const UVitOptions& o, bool halves, bool doubles) {
  if (halves) downsample_ = register_module("downsample", PixelHalving(o));
  const auto convolutions = register_module("res_blocks", std::make_shared<Named>());
  const auto attentions = register_module("attention_blocks", std::make_shared<Named>());
  for (int64_t i = 0; i < o.blocks; i++) {
    convolutions_.push_back(convolutions->register_module(std::to_string(i), ConvNextBlock(o)));
    attentions_.push_back(attentions->register_module(std::to_string(i), TextAttentionBlock(o)));
  }
  if (doubles) upsample_ = register_module("upsample", PixelDoubling(o));
}

at::Tensor UVitStageImpl::forward(at::Tensor x, const at::Tensor& condition, const at::Tensor& text) {
  if (downsample_) x = downsample_->forward(x);
  const int64_t height = x.size(1), width = x.size(2);
  for (size_t i = 0; i < convolutions_.size(); i++) {
    const auto pixels = convolutions_[i]->forward(x, condition).flatten(1, 2);
    x = attentions_[i]->forward(pixels, text).unflatten(1, {height, width});
  }
  return upsample_ ? upsample_->forward(x) : x;
}

UVitLayerImpl::UVitLayerImpl(const UVitOptions& o) {
  const auto rms = [&] { return std::make_shared<ConditionedNormImpl<RmsNorm>>(o, RmsNorm(o.hidden, o.eps)); };
  norm1_ = register_module("norm1", rms());
  attn1_ = register_module("attn1", attention(o, o.hidden, o.transformer_heads, o.hidden_dropout));
  norm2_ = register_module("norm2", rms());
  attn2_ = register_module("attn2", attention(o, o.hidden, o.transformer_heads, o.hidden_dropout));
  const LayerNorm norm(o.hidden, o.eps, LayerNormShape{.bias = o.bias});
  norm3_ = register_module("norm3", std::make_shared<ConditionedNormImpl<LayerNorm>>(o, norm));
  ff_ = register_module(
      "ff", GatedFeedForward(o.hidden, o.hidden_dropout, FeedForwardShape{.inner = o.feedforward, .bias = o.bias}));
}

at::Tensor UVitLayerImpl::forward(at::Tensor x, const at::Tensor& condition, const at::Tensor& text) {
  const auto normed = norm1_->forward(x, condition);
  x = addTo(attn1_->forward(normed, normed), x);
  x = addTo(attn2_->forward(norm2_->forward(x, condition), text), x);
  return addTo(ff_->forward(norm3_->forward(x, condition)), x);
}

}  // namespace eegtorch
