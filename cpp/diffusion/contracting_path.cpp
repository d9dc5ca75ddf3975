#include "diffusion/contracting_path.h"

#include <ATen/Functions.h>

#include "diffusion/in_place.h"

namespace eegtorch {

namespace {

using Config = ContractingPathConfig;

void checkPerBlock(const OptionCheck& options, const char* option, const PerBlock& field, size_t blocks) {
  options.sizes(option, field.values);
  const bool fits = !field.list || field.values.size() == blocks;
  options.require(fits, option, "an integer, or " + std::to_string(blocks) + " of them",
                  std::to_string(field.values.size()) + " integers");
}

bool attends(const Config& config, size_t block) { return config.down_block_types[block].value == kDownBlockTypes[0]; }

}  // namespace

int64_t Config::skips() const {
  int64_t count = static_cast<int64_t>(blocks());  // of conv_in and of halvings
  for (size_t i = 0; i < blocks(); i++) count += layers_per_block.of(i);
  return count;
}

void Config::checkPath(const OptionCheck& options) const {
  const auto& c = *this;
  options.size("in_channels", c.in_channels);
  options.require(!c.block_out_channels.empty(), "block_out_channels", "at least one width", "none");
  options.sizes("block_out_channels", c.block_out_channels);
  options.require(c.down_block_types.size() == c.blocks(), "down_block_types",
                  std::to_string(c.blocks()) + " kinds, as many as block_out_channels",
                  std::to_string(c.down_block_types.size()));
  options.size("norm_num_groups", c.norm_num_groups);
  for (const int64_t width : c.block_out_channels)
    options.divides("norm_num_groups", c.norm_num_groups, "block_out_channels", width);
  options.positive("norm_eps", c.norm_eps);
  checkPerBlock(options, "layers_per_block", c.layers_per_block, c.blocks());
  checkPerBlock(options, "transformer_layers_per_block", c.transformer_layers_per_block, c.blocks());
  checkPerBlock(options, "attention_head_dim", c.attention_head_dim, c.blocks());
  for (size_t i = 0; i < c.blocks(); i++)
    options.divides("attention_head_dim", c.attention_head_dim.of(i), "block_out_channels", c.block_out_channels[i]);
  options.size("cross_attention_dim", c.cross_attention_dim);
  options.require(c.downsample_padding == 0 || c.downsample_padding == 1, "downsample_padding", "0 or 1",
                  std::to_string(c.downsample_padding));
  options.positive("mid_block_scale_factor", c.mid_block_scale_factor);
  const int64_t half = c.block_out_channels[0] / 2;
  options.require(c.freq_shift >= 0 && c.freq_shift < half, "freq_shift",
                  "from 0 to below " + std::to_string(half) + ", half the first width", std::to_string(c.freq_shift));
}

ContractingPathImpl::ContractingPathImpl(const char* name, const Config& c, const Rest& rest)
    : name_(name), config_(c), rest_(rest) {
  conv_in_ = register_module("conv_in", Conv2d(c.in_channels, c.block_out_channels[0], rest.conv_in_kernel,
                                               Conv2dShape{.padding = rest.conv_in_kernel / 2}));
  time_embedding_ = register_module("time_embedding", TimeEmbedding(c.block_out_channels[0], rest.time_width));
}

UNetBlockOptions ContractingPathImpl::blockOptions(size_t rank, bool attends) const {
  const int64_t width = config_.block_out_channels[rank];
  return {.in = width,
          .out = width,
          .layers = config_.layers_per_block.of(rank),
          .time = rest_.time_width,
          .groups = config_.norm_num_groups,
          .eps = config_.norm_eps,
          .dropout = rest_.dropout,
          .attends = attends,
          .attention = {.channels = width,
                        .heads = config_.attention_head_dim.of(rank),
                        .layers = config_.transformer_layers_per_block.of(rank),
                        .context_width = config_.cross_attention_dim,
                        .groups = config_.norm_num_groups,
                        .linear_projection = config_.use_linear_projection,
                        .dropout = rest_.dropout},
          .resamples = true,
          .downsample_padding = config_.downsample_padding};
}

void ContractingPathImpl::addDownBlocks(const std::shared_ptr<Named>& list) {
  for (size_t i = 0; i < config_.blocks(); i++) {
    auto options = blockOptions(i, attends(config_, i));
    options.in = config_.block_out_channels[i == 0 ? 0 : i - 1];
    options.resamples = i + 1 < config_.blocks();
    down_.push_back(list->register_module(std::to_string(i), UNetDownBlock(options)));
  }
}

void ContractingPathImpl::addMidBlock() {
  auto options = blockOptions(config_.blocks() - 1, true);
  options.divisor = config_.mid_block_scale_factor;
  mid_ = register_module("mid_block", UNetMidBlock(options));
}

BlockConditions ContractingPathImpl::conditionsOf(const at::Tensor& sample, const at::Tensor& timestep,
                                                  const at::Tensor& context) {
  const auto& weight = conv_in_->weight;
  checkInput(name_, sample, weight, {"batch", {config_.in_channels, "channels"}, "height", "width"});
  checkInput(name_, context, weight,
             {{sample.size(0), "batch"}, "tokens", {config_.cross_attention_dim, "values in a token"}});
  const auto steps = timeStepsOf(name_, timestep, sample.size(0), sample.device());
  const auto waves = sinusoids(steps, {.width = config_.block_out_channels[0],
                                       .cosines_first = config_.flip_sin_to_cos,
                                       .shift = static_cast<double>(config_.freq_shift)});
  return {.time = siluOf(time_embedding_->forward(waves.to(sample.scalar_type()))), .context = context, .shifts = {}};
}

at::Tensor ContractingPathImpl::contract(at::Tensor x, const BlockConditions& conditions,
                                         std::vector<at::Tensor>& skips) {
  skips.push_back(x);
  for (auto& block : down_) x = block->forward(x, conditions, skips);
  return mid_->forward(x, conditions);
}

}  // namespace eegtorch
