#include "diffusion/spatial_transformer.h"

#include <ATen/Functions.h>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "diffusion/in_place.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

constexpr double kGroupNormEps = 1e-6, kLayerNormEps = 1e-5;
constexpr int64_t kFeedForwardFactor = 4;

}  // namespace

CrossAttentionImpl::CrossAttentionImpl(int64_t width, int64_t context_width, int64_t heads, double dropout,
                                       const AttentionBias& bias)
    : heads_(heads) {
  to_q_ = register_module("to_q", Linear(width, width, bias.in));
  to_k_ = register_module("to_k", Linear(context_width, width, bias.in));
  to_v_ = register_module("to_v", Linear(context_width, width, bias.in));
  const auto out = register_module("to_out", std::make_shared<Named>());
  to_out_ = out->register_module("0", Linear(width, width, bias.out));
  dropout_ = out->register_module("1", Dropout(dropout));
}

at::Tensor CrossAttentionImpl::forward(const at::Tensor& x, const at::Tensor& context) {
  const auto seen = attend(to_q_->forward(x), to_k_->forward(context), to_v_->forward(context), heads_, 0, false);
  return dropout_->forward(to_out_->forward(seen));
}

GatedFeedForwardImpl::GatedFeedForwardImpl(int64_t width, double dropout, const FeedForwardShape& shape) {
  const int64_t inner = shape.inner > 0 ? shape.inner : kFeedForwardFactor * width;
  const auto net = register_module("net", std::make_shared<Named>());
  const auto gated = net->register_module("0", std::make_shared<Named>());
  proj_ = gated->register_module("proj", Linear(width, 2 * inner, shape.bias));
  dropout_ = net->register_module("1", Dropout(dropout));
  out_ = net->register_module("2", Linear(inner, width, shape.bias));
}

at::Tensor GatedFeedForwardImpl::forward(const at::Tensor& x) {
  const auto halves = proj_->forward(x).chunk(2, -1);
  return out_->forward(dropout_->forward(halves[0] * at::gelu(halves[1])));
}

SpatialTransformerLayerImpl::SpatialTransformerLayerImpl(const SpatialTransformerOptions& o) {
  norm1_ = register_module("norm1", LayerNorm(o.channels, kLayerNormEps));
  attn1_ = register_module("attn1", CrossAttention(o.channels, o.channels, o.heads, o.dropout));
  norm2_ = register_module("norm2", LayerNorm(o.channels, kLayerNormEps));
  attn2_ = register_module("attn2", CrossAttention(o.channels, o.context_width, o.heads, o.dropout));
  norm3_ = register_module("norm3", LayerNorm(o.channels, kLayerNormEps));
  ff_ = register_module("ff", GatedFeedForward(o.channels, o.dropout));
}

at::Tensor SpatialTransformerLayerImpl::forward(at::Tensor x, const at::Tensor& context) {
  const auto normed = norm1_->forward(x);
  x = addTo(attn1_->forward(normed, normed), x);
  x = addTo(attn2_->forward(norm2_->forward(x), context), x);
  return addTo(ff_->forward(norm3_->forward(x)), x);
}

SpatialTransformerImpl::SpatialTransformerImpl(const SpatialTransformerOptions& o) {
  norm_ = register_module("norm", GroupNorm(o.groups, o.channels, kGroupNormEps));
  proj_in_ = addProjection("proj_in", o);
  const auto blocks = register_module("transformer_blocks", std::make_shared<Named>());
  for (int64_t i = 0; i < o.layers; i++)
    layers_.push_back(blocks->register_module(std::to_string(i), SpatialTransformerLayer(o)));
  proj_out_ = addProjection("proj_out", o);
}

std::shared_ptr<WeightedImpl> SpatialTransformerImpl::addProjection(const char* name,
                                                                    const SpatialTransformerOptions& o) {
  if (o.linear_projection) return register_module(name, Linear(o.channels, o.channels));
  return register_module(name, Conv2d(o.channels, o.channels, 1));
}

at::Tensor SpatialTransformerImpl::project(const WeightedImpl& layer, const at::Tensor& pixels) const {
  return kernels::linear(pixels, layer.weight.flatten(1), layer.bias);
}

at::Tensor SpatialTransformerImpl::forward(const at::Tensor& x, const at::Tensor& context) {
  auto pixels = norm_->forward(x).permute({0, 2, 3, 1}).flatten(1, 2);  // (batch, pixels, channels)
  pixels = project(*proj_in_, pixels);
  for (auto& layer : layers_) pixels = layer->forward(pixels, context);
  pixels = project(*proj_out_, pixels);
  const auto image = pixels.unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});  // the channels innermost
  return addTo(image, x);
}

}  // namespace eegtorch
