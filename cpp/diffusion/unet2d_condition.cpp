#include "diffusion/unet2d_condition.h"

#include <ATen/Functions.h>

#include <algorithm>

namespace eegtorch {

namespace {

using Config = UNet2dConditionConfig;

constexpr auto kName = "unet2d_condition";
constexpr size_t kNeeded = 3;  // inputs before those of ControlNet
constexpr int64_t kTimeFactor = 4;

void checkKernel(const OptionCheck& options, const char* option, int64_t value) {
  options.size(option, value);
  options.require(value % 2 == 1, option, "an odd number", std::to_string(value));
}

int64_t timeWidth(const Config& c) { return c.time_embedding_dim.value_or(kTimeFactor * c.block_out_channels[0]); }

}  // namespace

void Config::check(const OptionCheck& options) const {
  checkPath(options);
  options.size("out_channels", out_channels);
  options.require(up_block_types.size() == blocks(), "up_block_types",
                  std::to_string(blocks()) + " kinds, as many as block_out_channels",
                  std::to_string(up_block_types.size()));
  options.fraction("dropout", dropout);
  if (time_embedding_dim) options.size("time_embedding_dim", *time_embedding_dim);
  checkKernel(options, "conv_in_kernel", conv_in_kernel);
  checkKernel(options, "conv_out_kernel", conv_out_kernel);
}

std::vector<std::string> Config::inputs() const {
  std::vector<std::string> names = {"sample", "timestep", "encoder_hidden_states"};
  for (int64_t i = 0; i < skips(); i++) names.push_back("down_block_additional_residual_" + std::to_string(i) + "?");
  names.emplace_back("mid_block_additional_residual?");
  return names;
}

UNet2dConditionImpl::UNet2dConditionImpl(const Config& c)
    : ContractingPathImpl(kName, checkedConfig(kName, c),
                          {.time_width = timeWidth(c), .conv_in_kernel = c.conv_in_kernel, .dropout = c.dropout}),
      config_(c) {
  const auto down = register_module("down_blocks", std::make_shared<Named>());
  const auto up = register_module("up_blocks", std::make_shared<Named>());
  addDownBlocks(down);
  addUpBlocks(up);
  addMidBlock();
  conv_norm_out_ = register_module("conv_norm_out", GroupNorm(c.norm_num_groups, c.block_out_channels[0], c.norm_eps));
  conv_out_ = register_module("conv_out", Conv2d(c.block_out_channels[0], c.out_channels, c.conv_out_kernel,
                                                 Conv2dShape{.padding = c.conv_out_kernel / 2}));
}

void UNet2dConditionImpl::addUpBlocks(const std::shared_ptr<Named>& list) {
  const auto& widths = config_.block_out_channels;
  for (size_t i = 0; i < widths.size(); i++) {
    const size_t rank = widths.size() - 1 - i;
    auto options = blockOptions(rank, config_.up_block_types[i].value == kUpBlockTypes[0]);
    options.in = widths[std::min(rank + 1, widths.size() - 1)];
    options.resamples = rank > 0;
    std::vector<int64_t> skips(options.layers + 1, options.out);
    skips.back() = widths[rank == 0 ? 0 : rank - 1];
    up_.push_back(list->register_module(std::to_string(i), UNetUpBlock(options, skips)));
  }
}

void UNet2dConditionImpl::addResiduals(const std::vector<at::Tensor>& inputs, std::vector<at::Tensor>& skips,
                                       at::Tensor& x) {
  const auto given = std::count_if(inputs.begin() + kNeeded, inputs.end(), [](const auto& t) { return t.defined(); });
  if (given == 0) return;
  const auto wanted = static_cast<int64_t>(skips.size()) + 1;
  if (given != wanted)
    throw Error("INVALID_OPTION", std::string(kName) + ": residuals of ControlNet come all together or not at all",
                std::to_string(wanted) + " or none", std::to_string(given));
  skips.push_back(x);
  for (size_t i = 0; i < skips.size(); i++) {
    const auto &residual = inputs[kNeeded + i], &skip = skips[i];
    const bool pooled = residual.dim() == 4 && residual.size(2) == 1 && residual.size(3) == 1;
    checkInput(kName, residual, conv_in_->weight,
               {{skip.size(0), "batch"},
                {skip.size(1), "channels"},
                {pooled ? 1 : skip.size(2), "height"},
                {pooled ? 1 : skip.size(3), "width"}});
    skips[i] = skip + residual;
  }
  x = skips.back();
  skips.pop_back();
}

at::Tensor UNet2dConditionImpl::denoise(const std::vector<at::Tensor>& inputs,
                                        const std::map<int64_t, at::Tensor>& shifts) {
  const auto& sample = inputs.at(0);
  auto conditions = conditionsOf(sample, inputs.at(1), inputs.at(2));
  conditions.shifts = shifts;
  auto x = sample.contiguous(at::MemoryFormat::ChannelsLast);
  if (config_.center_input_sample) x = 2 * x - 1;
  std::vector<at::Tensor> skips;
  x = contract(conv_in_->forward(x), conditions, skips);
  addResiduals(inputs, skips, x);
  for (auto& block : up_) x = block->forward(x, conditions, skips);
  return conv_out_->forward(conv_norm_out_->forwardSilu(x)).contiguous();
}

std::vector<at::Tensor> UNet2dConditionImpl::run(const std::vector<at::Tensor>& inputs) {
  return {denoise(inputs, {})};
}

}  // namespace eegtorch
