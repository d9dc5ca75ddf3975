#include "diffusion/unet_blocks.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"

namespace eegtorch {

at::Tensor BlockConditions::shiftOf(int64_t width) const {
  const auto found = shifts.find(width);
  return found == shifts.end() ? at::Tensor() : found->second;
}

void UNetBlockImpl::addLayers(const UNetBlockOptions& o, const std::vector<int64_t>& inputs, int64_t transformers) {
  width_ = o.out;
  if (transformers > 0) {
    const auto list = register_module("attentions", std::make_shared<Named>());
    for (int64_t i = 0; i < transformers; i++)
      attentions_.push_back(list->register_module(std::to_string(i), SpatialTransformer(o.attention)));
  }
  const auto list = register_module("resnets", std::make_shared<Named>());
  for (size_t i = 0; i < inputs.size(); i++) {
    const ResidualBlockOptions layer{.in = inputs[i],
                                     .out = o.out,
                                     .groups = o.groups,
                                     .eps = o.eps,
                                     .time = o.time,
                                     .dropout = o.dropout,
                                     .divisor = o.divisor};
    resnets_.push_back(list->register_module(std::to_string(i), ResidualBlock(layer)));
  }
}

at::Tensor UNetBlockImpl::residual(size_t layer, const at::Tensor& x, const BlockConditions& conditions) {
  return resnets_[layer]->forward(x, conditions.time, conditions.shiftOf(width_));
}

at::Tensor UNetBlockImpl::attended(size_t layer, const at::Tensor& x, const BlockConditions& conditions) {
  return layer < attentions_.size() ? attentions_[layer]->forward(x, conditions.context) : x;
}

UNetDownBlockImpl::UNetDownBlockImpl(const UNetBlockOptions& o) {
  std::vector<int64_t> inputs(o.layers, o.out);
  inputs[0] = o.in;
  addLayers(o, inputs, o.attends ? o.layers : 0);
  if (!o.resamples) return;
  const auto list = register_module("downsamplers", std::make_shared<Named>());
  downsampler_ = list->register_module("0", Downsample(o.out, o.downsample_padding));
}

at::Tensor UNetDownBlockImpl::forward(at::Tensor x, const BlockConditions& conditions, std::vector<at::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); i++) {
    x = attended(i, residual(i, x, conditions), conditions);
    skips.push_back(x);
  }
  if (!downsampler_) return x;
  skips.push_back(downsampler_->forward(x));
  return skips.back();
}

UNetMidBlockImpl::UNetMidBlockImpl(const UNetBlockOptions& o) { addLayers(o, {o.in, o.out}, 1); }

at::Tensor UNetMidBlockImpl::forward(const at::Tensor& x, const BlockConditions& conditions) {
  return residual(1, attended(0, residual(0, x, conditions), conditions), conditions);
}

UNetUpBlockImpl::UNetUpBlockImpl(const UNetBlockOptions& o, const std::vector<int64_t>& skip_inputs) {
  std::vector<int64_t> inputs(skip_inputs.size(), o.out);
  inputs[0] = o.in;
  for (size_t i = 0; i < inputs.size(); i++) inputs[i] += skip_inputs[i];
  addLayers(o, inputs, o.attends ? static_cast<int64_t>(inputs.size()) : 0);
  if (!o.resamples) return;
  const auto list = register_module("upsamplers", std::make_shared<Named>());
  upsampler_ = list->register_module("0", Upsample(o.out));
}

at::Tensor UNetUpBlockImpl::forward(at::Tensor x, const BlockConditions& conditions, std::vector<at::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); i++) {
    const auto both = at::cat({x, skips.back()}, 1);
    skips.pop_back();
    x = attended(i, residual(i, both, conditions), conditions);
  }
  if (!upsampler_) return x;
  return upsampler_->forward(x, std::pair(skips.back().size(2), skips.back().size(3)));
}

}  // namespace eegtorch
