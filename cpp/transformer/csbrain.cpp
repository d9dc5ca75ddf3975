#include "transformer/csbrain.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "core/check.h"
#include "kernels/layer_norm.h"
#include "kernels/packed_conv1d.h"

namespace eegtorch {

namespace {

constexpr int64_t kWindow = 5;
constexpr std::array<int64_t, 3> kRegionLengths = {1, 3, 5};

void checkRegions(const OptionCheck& options, const CsBrainConfig& c) {
  options.size("n_regions", c.n_regions);
  options.require(!c.brain_regions.empty(), "brain_regions", "a region for each channel", "none");
  for (const int64_t region : c.brain_regions)
    options.require(region >= 0 && region < c.n_regions, "brain_regions",
                    "numbers from 0 to " + std::to_string(c.n_regions - 1), std::to_string(region));
  if (!c.sorted_indices) return;
  auto order = *c.sorted_indices;
  std::sort(order.begin(), order.end());
  std::vector<int64_t> all(c.brain_regions.size());
  std::iota(all.begin(), all.end(), 0);
  options.require(order == all, "sorted_indices", "each channel from 0 to " + std::to_string(all.size() - 1) + " once",
                  std::to_string(order.size()) + " numbers that are not");
}

void check(const CsBrainConfig& c, const char* owner) {
  const OptionCheck options(owner);
  options.size("d_model", c.d_model);
  options.require(c.d_model % kPatchStride == 0, "d_model", "a multiple of 25", std::to_string(c.d_model));
  const auto same = "equal to d_model, " + std::to_string(c.d_model);
  options.require(c.in_dim == c.d_model, "in_dim", same, std::to_string(c.in_dim));
  options.require(c.out_dim == c.d_model, "out_dim", same, std::to_string(c.out_dim));
  options.size("dim_feedforward", c.dim_feedforward);
  options.size("n_layer", c.n_layer);
  options.divides("nhead", c.nhead, "d_model", c.d_model);
  options.require(!c.tem_embed_kernel_sizes.empty() && c.tem_embed_kernel_sizes.size() <= 4, "tem_embed_kernel_sizes",
                  "1 to 4 lengths", std::to_string(c.tem_embed_kernel_sizes.size()));
  for (const auto& size : c.tem_embed_kernel_sizes)
    options.require(size.size() == 1 && size[0] >= 1 && size[0] % 2 == 1, "tem_embed_kernel_sizes",
                    "lists of one odd length", size.empty() ? "an empty list" : std::to_string(size[0]));
  options.size("n_patches", c.n_patches);
  options.fraction("drop_prob", c.drop_prob);
  checkRegions(options, c);
}

std::vector<BrainRegion> regionsOf(std::vector<int64_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<BrainRegion> regions;
  for (size_t i = 0; i < ids.size(); i++) {
    if (i == 0 || ids[i] != ids[i - 1]) regions.push_back({ids[i], static_cast<int64_t>(i), 0});
    regions.back().count++;
  }
  return regions;
}

std::vector<int64_t> orderOf(const CsBrainConfig& c) {
  if (c.sorted_indices) return *c.sorted_indices;
  std::vector<int64_t> order(c.brain_regions.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return c.brain_regions[a] < c.brain_regions[b]; });
  return order;
}

// Halves: 200 over three scales is 100, 50, 50.
std::vector<int64_t> scaleWidths(int64_t total, size_t scales) {
  std::vector<int64_t> widths;
  int64_t left = total;
  for (size_t i = 0; i + 1 < scales; i++) left -= widths.emplace_back(total >> (i + 1));
  widths.push_back(left);
  return widths;
}

// Channels that attend to each other: the g-th of every region, counted around.
at::Tensor groupMask(const std::vector<BrainRegion>& regions) {
  int64_t channels = 0, groups = 0;
  for (const auto& region : regions) channels += region.count, groups = std::max(groups, region.count);
  const auto mask = at::full({channels, channels}, -std::numeric_limits<float>::infinity());
  auto cell = mask.accessor<float, 2>();
  for (int64_t group = 0; group < groups; group++)
    for (const auto& from : regions)
      for (const auto& to : regions) cell[from.first + group % from.count][to.first + group % to.count] = 0;
  return mask;
}

using Scales = std::vector<kernels::PackedConv1d>;

// Convolutions that keep the number of tokens.
Scales packedScales(const std::vector<torch::nn::Conv2d>& convs, int64_t steps) {
  Scales scales;
  for (const auto& conv : convs) {
    const int64_t side = conv->weight.size(2) / 2;
    scales.emplace_back(conv->weight.detach().squeeze(3), conv->bias, 1, side, steps);
  }
  return scales;
}

// (windows, tokens, D), the scales side by side.
at::Tensor embed(const kernels::ChannelsLastWindows& x, const Scales& scales) {
  const kernels::ChannelsLastWindows y(x.batch(), x.steps(), x.channels(), 0);
  int64_t first = 0;
  for (const auto& scale : scales) {
    scale.write(x, y, first);
    first += scale.channels();
  }
  return y.inner();
}

torch::nn::LayerNorm layerNorm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

}  // namespace

struct PackedScales {
  Scales time;
  int64_t longest_side;
  std::vector<Scales> regions;  // those that have channels, in order
};

CsBrainLayerImpl::CsBrainLayerImpl(const CsBrainConfig& c, const std::vector<BrainRegion>& regions)
    : regions_(regions), group_mask_(groupMask(regions)) {
  const int64_t d = c.d_model;
  inter_region_ = register_module("inter_region_attn", MultiheadAttention(d, c.nhead, c.drop_prob));
  inter_window_ = register_module("inter_window_attn", MultiheadAttention(d, c.nhead, c.drop_prob));
  global_fc_.emplace(register_module("global_fc", torch::nn::Linear(d, d)));
  linear1_.emplace(register_module("linear1", torch::nn::Linear(d, c.dim_feedforward)),
                   kernels::Activation{.gelu = true});
  linear2_.emplace(register_module("linear2", torch::nn::Linear(c.dim_feedforward, d)));
  norm1_ = register_module("norm1", layerNorm(d));
  norm2_ = register_module("norm2", layerNorm(d));
  norm3_ = register_module("norm3", layerNorm(d));
  dropout_ = register_module("dropout", Dropout(c.drop_prob));
}

at::Tensor CsBrainLayerImpl::addWindows(const at::Tensor& added, const at::Tensor& x) {
  const int64_t patches = x.size(2), size = std::min(patches, kWindow), missing = (size - patches % size) % size;
  const auto windows = [&](const at::Tensor& t) {  // (batch * channels, windows, size, D)
    const auto padded = missing > 0 ? at::constant_pad_nd(t, {0, 0, 0, missing}) : t;
    return padded.unflatten(2, {-1, size}).flatten(0, 1);
  };
  const auto y = inter_window_->addAlong(windows(added), windows(x), dropout_).flatten(1, 2);
  return y.unflatten(0, {x.size(0), x.size(1)}).narrow(2, 0, patches);
}

at::Tensor CsBrainLayerImpl::addGroups(const at::Tensor& added, const at::Tensor& x) {
  std::vector<at::Tensor> means, shared;
  for (const auto& region : regions_) means.push_back(x.narrow(1, region.first, region.count).mean(1, true));
  const auto mixed = global_fc_->forward(at::cat(means, 1), is_training());  // (batch, regions, patches, D)
  for (size_t i = 0; i < regions_.size(); i++)
    shared.push_back(mixed.narrow(1, static_cast<int64_t>(i), 1).expand({-1, regions_[i].count, -1, -1}));
  return inter_region_->addAlong(added, x + at::cat(shared, 1), dropout_, group_mask_.to(x.options()));
}

at::Tensor CsBrainLayerImpl::forward(const at::Tensor& input) {
  auto x = addWindows(input, kernels::layerNorm(input, *norm1_));
  x = addGroups(x, kernels::layerNorm(x, *norm2_));
  const auto hidden = dropout_->forward(linear1_->forward(kernels::layerNorm(x, *norm3_), is_training()));
  return linear2_->addTo(x, hidden, dropout_);
}

CsBrainImpl::CsBrainImpl(const CsBrainConfig& config, bool with_projection, const char* owner)
    : config_(config), owner_(owner) {
  check(config, owner);
  regions_ = regionsOf(config.brain_regions);
  order_ = orderOf(config);
  patch_embedding_ = register_module("patch_embedding", EegPatches(config.d_model, config.drop_prob));

  const auto conv = [&](int64_t width, int64_t length, int64_t padding) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(config.in_dim, width, {length, 1}).padding({padding, 0}));
  };
  std::vector<int64_t> lengths;
  for (const auto& size : config.tem_embed_kernel_sizes) lengths.push_back(size[0]);
  std::sort(lengths.begin(), lengths.end());
  const auto widths = scaleWidths(config.out_dim, lengths.size());
  const auto time = register_module("TemEmbedEEGLayer", std::make_shared<Named>())
                        ->register_module("convs", std::make_shared<Named>());
  for (size_t i = 0; i < lengths.size(); i++)
    time_convs_.push_back(time->register_module(std::to_string(i), conv(widths[i], lengths[i], lengths[i] / 2)));

  const auto blocks = register_module("BrainEmbedEEGLayer", std::make_shared<Named>())
                          ->register_module("region_blocks", std::make_shared<Named>());
  const auto region_widths = scaleWidths(config.out_dim, kRegionLengths.size());
  for (int64_t region = 0; region < config.n_regions; region++) {
    const auto block = blocks->register_module("region_" + std::to_string(region), std::make_shared<Named>());
    auto& convs = region_convs_.emplace_back();
    for (size_t i = 0; i < kRegionLengths.size(); i++)
      convs.push_back(block->register_module(std::to_string(i), conv(region_widths[i], kRegionLengths[i], 0)));
  }

  for (const auto& part : {time->parameters(), blocks->parameters()})
    scale_weights_.insert(scale_weights_.end(), part.begin(), part.end());

  const auto encoder = register_module("encoder", std::make_shared<Named>());
  layers_ = encoder->register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.n_layer; i++) layers_->push_back(CsBrainLayer(config, regions_));
  if (with_projection)
    projection_ = register_module("proj_out", std::make_shared<Named>())
                      ->register_module("0", torch::nn::Linear(config.d_model, config.out_dim));
}

at::Tensor CsBrainImpl::embedTime(const at::Tensor& x) {
  // Reinterpreted, not transposed: the pretrained weights expect it so.
  const auto y = x.reshape({x.size(0) * x.size(1), x.size(3), x.size(2), 1});
  std::vector<at::Tensor> scales;
  for (auto& conv : time_convs_) scales.push_back(conv->forward(y));
  return at::cat(scales, 1).reshape(x.sizes());
}

at::Tensor CsBrainImpl::embedRegions(const at::Tensor& x) {
  std::vector<at::Tensor> regions;
  for (const auto& region : regions_) {
    const auto y = x.narrow(1, region.first, region.count).permute({0, 2, 3, 1}).flatten(0, 1).unsqueeze(-1);
    std::vector<at::Tensor> scales;  // of (batch * patches, D, electrodes, 1)
    for (size_t i = 0; i < kRegionLengths.size(); i++) {
      const int64_t side = kRegionLengths[i] / 2;
      const auto padded =
          region.count == 1 ? at::constant_pad_nd(y, {0, 0, side, side}) : at::pad(y, {0, 0, side, side}, "circular");
      scales.push_back(region_convs_[region.id][i]->forward(padded));
    }
    const auto embedded = at::cat(scales, 1).squeeze(-1);  // (batch * patches, D, electrodes)
    regions.push_back(embedded.unflatten(0, {x.size(0), -1}).permute({0, 3, 1, 2}));
  }
  return at::cat(regions, 1);
}

PackedScales CsBrainImpl::pack() const {
  const at::NoGradGuard no_grad;
  PackedScales packed{packedScales(time_convs_, config_.n_patches), 0, {}};
  for (const auto& conv : time_convs_) packed.longest_side = std::max(packed.longest_side, conv->weight.size(2) / 2);
  for (const auto& region : regions_) packed.regions.push_back(packedScales(region_convs_[region.id], region.count));
  return packed;
}

at::Tensor CsBrainImpl::embedTime(const at::Tensor& x, const PackedScales& packed) const {
  const auto y = x.reshape({x.size(0) * x.size(1), x.size(3), x.size(2)});  // see above
  return embed(kernels::ChannelsLastWindows(y, packed.longest_side), packed.time).transpose(1, 2).reshape(x.sizes());
}

at::Tensor CsBrainImpl::embedRegions(const at::Tensor& x, const PackedScales& packed) const {
  std::vector<at::Tensor> regions;
  for (size_t i = 0; i < regions_.size(); i++) {
    const auto& region = regions_[i];
    const auto y = x.narrow(1, region.first, region.count).permute({0, 2, 3, 1}).flatten(0, 1);  // of (.., D, channels)
    const kernels::ChannelsLastWindows channels(y, kRegionLengths.back() / 2);
    if (region.count > 1) channels.wrapAround();
    regions.push_back(embed(channels, packed.regions[i]).unflatten(0, {x.size(0), -1}).transpose(1, 2));
  }
  return at::cat(regions, 1);
}

at::Tensor CsBrainImpl::features(const at::Tensor& eeg, const at::Tensor& mask) {
  const auto channels = static_cast<int64_t>(order_.size());
  checkInput(owner_, eeg, layers_[0]->as<CsBrainLayer>()->parameters().front(),
             {"batch", {channels, "channels"}, {config_.n_patches, "patches"}, {config_.in_dim, "samples in a patch"}});
  if (mask.defined() && mask.sizes() != eeg.sizes().slice(0, 3))
    throw Error("SHAPE_MISMATCH", std::string(owner_) + ": mask has another shape than the patches",
                showShape(eeg.sizes().slice(0, 3)), showShape(mask.sizes()));
  const auto sorted = eeg.index_select(1, at::tensor(order_, eeg.options().dtype(at::kLong)));
  auto x = patch_embedding_->forward(sorted, mask);
  const auto packed = packed_.inferring({is_training(), x}, scale_weights_, [this] { return pack(); });
  for (const auto& layer : *layers_) {
    x = x + (packed ? embedTime(x, *packed) : embedTime(x));
    x = x + (packed ? embedRegions(x, *packed) : embedRegions(x));
    x = layer->as<CsBrainLayer>()->forward(x);
  }
  return x;
}

std::vector<at::Tensor> CsBrainImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto x = features(inputs.at(0), inputs.at(1));
  return {x, projection_->forward(x)};
}

CsBrainClassifierImpl::CsBrainClassifierImpl(const CsBrainClassifierConfig& config)
    : n_patches_(config.encoder.n_patches), in_dim_(config.encoder.in_dim) {
  using torch::nn::ELU, torch::nn::Linear;
  const auto& c = config.encoder;
  const OptionCheck options("csbrain_classifier");
  options.size("n_outputs", config.n_outputs);
  options.fraction("head_drop_prob", config.head_drop_prob);
  backbone_ = register_module("backbone", CsBrain(c, false, "csbrain_classifier"));
  const int64_t wide = c.n_patches * c.out_dim, channels = static_cast<int64_t>(c.brain_regions.size());
  feed_forward_ =
      register_module("feed_forward", Chain(Linear(channels * wide, wide), ELU(), Dropout(config.head_drop_prob),
                                            Linear(wide, c.out_dim), ELU(), Dropout(config.head_drop_prob),
                                            Linear(c.out_dim, config.n_outputs)));
}

at::Tensor CsBrainClassifierImpl::forward(const at::Tensor& eeg) {
  const bool whole = eeg.dim() == 3 && eeg.size(2) == n_patches_ * in_dim_;
  const auto patches = whole ? eeg.unflatten(2, {n_patches_, in_dim_}) : eeg;
  return feed_forward_->forward(backbone_->features(patches, {}).flatten(1));
}

}  // namespace eegtorch
