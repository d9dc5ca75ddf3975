#include "alignment/multi_scale_conditioning.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/linear.h>

#include <limits>

#include "core/check.h"

namespace eegtorch {

namespace {

void check(const MultiScaleConditioningConfig& c) {
  const OptionCheck options("multi_scale_conditioning");
  options.size("latent_dim", c.latent_dim);
  options.size("semantic_dim", c.semantic_dim);
  options.size("n_scales", c.n_scales);
  options.size("base_dim", c.base_dim);
  const bool narrow = c.n_scales < 32 && c.base_dim <= std::numeric_limits<int32_t>::max() >> (c.n_scales - 1);
  options.require(narrow, "n_scales", "scales that are at most 2147483647 wide", std::to_string(c.n_scales));
}

torch::nn::ModuleList projections(int64_t in, const MultiScaleConditioningConfig& c) {
  torch::nn::ModuleList result;
  for (int64_t i = 0; i < c.n_scales; i++) result->push_back(torch::nn::Linear(in, c.base_dim << i));
  return result;
}

}  // namespace

std::vector<std::string> MultiScaleConditioningConfig::outputs() const {
  std::vector<std::string> names;
  for (int64_t i = 0; i < n_scales; i++)
    for (const char* name : {"eeg_", "semantic_"}) names.push_back(name + std::to_string(i));
  names.push_back("context");
  return names;
}

MultiScaleConditioningImpl::MultiScaleConditioningImpl(const MultiScaleConditioningConfig& config) : config_(config) {
  check(config);
  eeg_projections_ = register_module("eeg_projections", projections(config.latent_dim, config));
  sem_projections_ = register_module("sem_projections", projections(config.semantic_dim, config));
  null_semantic_ = register_parameter("null_semantic", at::zeros({config.semantic_dim}));
}

std::vector<at::Tensor> MultiScaleConditioningImpl::run(const std::vector<at::Tensor>& inputs) {
  constexpr auto name = "multi_scale_conditioning";
  const at::Tensor &latent = inputs.at(0), &given = inputs.at(1), &has_semantic = inputs.at(2);
  checkInput(name, latent, null_semantic_, {"batch", {config_.latent_dim, "latent values"}});
  checkInput(name, given, null_semantic_, {{latent.size(0), "batch"}, {config_.semantic_dim, "semantic values"}});
  checkFlags(name, has_semantic, {{latent.size(0), "flags"}});
  const auto semantic = at::where(has_semantic.to(at::kBool).unsqueeze(1), given, null_semantic_);
  std::vector<at::Tensor> outputs;
  for (int64_t i = 0; i < config_.n_scales; i++) {
    outputs.push_back(eeg_projections_[i]->as<torch::nn::Linear>()->forward(latent));
    outputs.push_back(sem_projections_[i]->as<torch::nn::Linear>()->forward(semantic));
  }
  outputs.push_back(at::cat({latent, semantic}, 1).unsqueeze(1));  // (batch, 1, latent_dim + semantic_dim)
  return outputs;
}

}  // namespace eegtorch
