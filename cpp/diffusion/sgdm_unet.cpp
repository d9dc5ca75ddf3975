#include "diffusion/sgdm_unet.h"

#include <algorithm>

namespace eegtorch {

namespace {

constexpr auto kName = "sgdm_unet";
constexpr size_t kOwn = 5;  // inputs before those of ControlNet

// The widths of the scales; MultiScaleConditioning has checked that they are no larger than a size may be.
std::vector<int64_t> scaleWidths(const SgdmUNetConfig& c) {
  const OptionCheck options(kName);
  const auto conditioning = c.conditioning();
  std::vector<int64_t> widths;
  for (int64_t i = 0; i < conditioning.n_scales; i++) {
    widths.push_back(conditioning.base_dim << i);
    const bool known = std::ranges::count(c.block_out_channels, widths.back()) > 0;
    options.require(known, "base_dim", "scales that are each as wide as one of block_out_channels",
                    "a scale of width " + std::to_string(widths.back()));
  }
  return widths;
}

}  // namespace

UNet2dConditionConfig SgdmUNetConfig::unet() const {
  UNet2dConditionConfig config = *this;
  config.cross_attention_dim = latent_dim + semantic_dim;
  return config;
}

MultiScaleConditioningConfig SgdmUNetConfig::conditioning() const {
  const int64_t first = block_out_channels.empty() ? 1 : block_out_channels[0];
  return {latent_dim, semantic_dim, n_scales, base_dim.value_or(first)};
}

std::vector<std::string> SgdmUNetConfig::inputs() const {
  std::vector<std::string> names = {"sample", "timestep", "latent", "semantic", "has_semantic"};
  const auto rest = UNet2dConditionConfig::inputs();
  std::copy_if(rest.begin(), rest.end(), std::back_inserter(names),
               [](const auto& name) { return name.back() == '?'; });
  return names;
}

SgdmUNetImpl::SgdmUNetImpl(const SgdmUNetConfig& c) {
  conditioning_ = register_module("conditioning", MultiScaleConditioning(c.conditioning()));
  unet_ = register_module("unet", UNet2dCondition(c.unet()));
  scales_ = scaleWidths(c);
}

std::vector<at::Tensor> SgdmUNetImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto told = conditioning_->run({inputs.at(2), inputs.at(3), inputs.at(4)});
  std::map<int64_t, at::Tensor> shifts;
  for (size_t i = 0; i < scales_.size(); i++) shifts[scales_[i]] = told[2 * i] + told[2 * i + 1];
  std::vector<at::Tensor> rest = {inputs[0], inputs[1], told.back()};
  rest.insert(rest.end(), inputs.begin() + kOwn, inputs.end());
  return {unet_->denoise(rest, shifts)};
}

}  // namespace eegtorch
