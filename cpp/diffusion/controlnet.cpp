#include "diffusion/controlnet.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include "diffusion/in_place.h"

namespace eegtorch {

namespace {

constexpr auto kName = "controlnet";
constexpr int64_t kTimeFactor = 4;

// What is learned starts without a say, so that the UNet begins as it was.
void zero(Conv2dImpl& layer) {
  if (WithoutInitialisation::active()) return;
  torch::nn::init::zeros_(layer.weight);
  torch::nn::init::zeros_(layer.bias);
}

}  // namespace

void ControlNetConfig::check(const OptionCheck& options) const {
  checkPath(options);
  options.size("conditioning_channels", conditioning_channels);
  const auto& widths = conditioning_embedding_out_channels;
  options.sizes("conditioning_embedding_out_channels", widths);
  options.require(!widths.empty() && widths.size() < 16, "conditioning_embedding_out_channels", "1 to 15 widths",
                  std::to_string(widths.size()));
}

std::vector<std::string> ControlNetConfig::outputs() const {
  std::vector<std::string> names;
  for (int64_t i = 0; i < skips(); i++) names.push_back("down_block_res_sample_" + std::to_string(i));
  names.emplace_back("mid_block_res_sample");
  return names;
}

StructureEmbeddingImpl::StructureEmbeddingImpl(const ControlNetConfig& c) {
  const auto& widths = c.conditioning_embedding_out_channels;
  conv_in_ = register_module("conv_in", Conv2d(c.conditioning_channels, widths[0], 3, Conv2dShape{.padding = 1}));
  const auto list = register_module("blocks", std::make_shared<Named>());
  const auto add = [&](int64_t in, int64_t out, int64_t stride) {
    const Conv2d layer(in, out, 3, Conv2dShape{.stride = stride, .padding = 1});
    blocks_.push_back(list->register_module(std::to_string(blocks_.size()), layer));
  };
  for (size_t i = 1; i < widths.size(); i++) {
    add(widths[i - 1], widths[i - 1], 1);
    add(widths[i - 1], widths[i], 2);
  }
  conv_out_ = register_module("conv_out", Conv2d(widths.back(), c.block_out_channels[0], 3, Conv2dShape{.padding = 1}));
  zero(*conv_out_);
}

at::Tensor StructureEmbeddingImpl::forward(at::Tensor picture) {
  auto x = siluOf(conv_in_->forward(picture));
  for (auto& layer : blocks_) x = siluOf(layer->forward(x));
  return conv_out_->forward(x);
}

ControlNetImpl::ControlNetImpl(const ControlNetConfig& c)
    : ContractingPathImpl(kName, checkedConfig(kName, c), {.time_width = kTimeFactor * c.block_out_channels[0]}),
      config_(c) {
  structure_ = register_module("controlnet_cond_embedding", StructureEmbedding(c));
  const auto down = register_module("down_blocks", std::make_shared<Named>());
  const auto results = register_module("controlnet_down_blocks", std::make_shared<Named>());
  addDownBlocks(down);
  const auto addResult = [&](int64_t width) {
    results_.push_back(addZeroConv(*results, std::to_string(results_.size()), width));
  };
  addResult(c.block_out_channels[0]);
  for (size_t i = 0; i < c.blocks(); i++) {
    const int64_t count = c.layers_per_block.of(i) + (i + 1 < c.blocks() ? 1 : 0);
    for (int64_t j = 0; j < count; j++) addResult(c.block_out_channels[i]);
  }
  results_.push_back(addZeroConv(*this, "controlnet_mid_block", c.block_out_channels.back()));
  addMidBlock();
}

Conv2d ControlNetImpl::addZeroConv(torch::nn::Module& parent, const std::string& name, int64_t width) {
  const Conv2d layer(width, width, 1);
  zero(*layer.ptr());
  parent.register_module(name, layer);
  return layer;
}

std::vector<at::Tensor> ControlNetImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto &sample = inputs.at(0), &picture = inputs.at(3);
  const auto conditions = conditionsOf(sample, inputs.at(1), inputs.at(2));
  const int64_t factor = int64_t{1} << (config_.conditioning_embedding_out_channels.size() - 1);
  checkInput(kName, picture, conv_in_->weight,
             {{sample.size(0), "batch"},
              {config_.conditioning_channels, "conditioning channels"},
              {factor * sample.size(2), "height"},
              {factor * sample.size(3), "width"}});
  const auto ordered = config_.controlnet_conditioning_channel_order.value == "bgr" ? picture.flip(1) : picture;
  const auto structure = structure_->forward(ordered.contiguous(at::MemoryFormat::ChannelsLast));
  const auto x = addTo(conv_in_->forward(sample.contiguous(at::MemoryFormat::ChannelsLast)), structure);
  std::vector<at::Tensor> outputs;
  outputs.push_back(contract(x, conditions, outputs));
  for (size_t i = 0; i < outputs.size(); i++) {
    outputs[i] = results_[i]->forward(outputs[i]);
    if (config_.global_pool_conditions) outputs[i] = outputs[i].mean({2, 3}, true);
  }
  return outputs;
}

}  // namespace eegtorch
