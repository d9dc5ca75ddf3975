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
  eeg_.emplace(register_module("eeg_projections", projections(config.latent_dim, config)));
  semantic_.emplace(register_module("sem_projections", projections(config.semantic_dim, config)));
  null_semantic_ = register_parameter("null_semantic", at::zeros({config.semantic_dim}));
}

MultiScaleConditioningImpl::Projections::Projections(const torch::nn::ModuleList& layers)
    : layers(layers), weights(layers->parameters()) {}

std::vector<at::Tensor> MultiScaleConditioningImpl::Projections::forward(const at::Tensor& x, bool training) {
  const auto product = packed.inferring({training, x}, weights, [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> matrices, biases;
    for (const auto& layer : *layers) {
      matrices.push_back(layer->as<torch::nn::Linear>()->weight);
      biases.push_back(layer->as<torch::nn::Linear>()->bias);
    }
    return kernels::PackedProduct(at::cat(matrices).t(), at::cat(biases), x.size(0));
  });
  std::vector<at::Tensor> scales;
  if (!product) {
    for (const auto& layer : *layers) scales.push_back(layer->as<torch::nn::Linear>()->forward(x));
    return scales;
  }
  const auto rows = x.contiguous(), all = at::empty({x.size(0), product->columns()}, x.options());
  product->run({{rows.size(0), rows.const_data_ptr<float>(), rows.size(1), all.data_ptr<float>(), all.size(1)}}, false,
               {});
  int64_t first = 0;
  for (const auto& layer : *layers) {
    const int64_t width = layer->as<torch::nn::Linear>()->weight.size(0);
    scales.push_back(all.narrow(1, first, width));
    first += width;
  }
  return scales;
}

std::vector<at::Tensor> MultiScaleConditioningImpl::run(const std::vector<at::Tensor>& inputs) {
  constexpr auto name = "multi_scale_conditioning";
  const at::Tensor &latent = inputs.at(0), &given = inputs.at(1), &has_semantic = inputs.at(2);
  checkInput(name, latent, null_semantic_, {"batch", {config_.latent_dim, "latent values"}});
  checkInput(name, given, null_semantic_, {{latent.size(0), "batch"}, {config_.semantic_dim, "semantic values"}});
  checkFlags(name, has_semantic, {{latent.size(0), "flags"}});
  const auto semantic = at::where(has_semantic.to(at::kBool).unsqueeze(1), given, null_semantic_);
  const auto eeg_scales = eeg_->forward(latent, is_training()),
             semantic_scales = semantic_->forward(semantic, is_training());
  std::vector<at::Tensor> outputs;
  for (int64_t i = 0; i < config_.n_scales; i++) {
    outputs.push_back(eeg_scales[i]);
    outputs.push_back(semantic_scales[i]);
  }
  outputs.push_back(at::cat({latent, semantic}, 1).unsqueeze(1));  // (batch, 1, latent_dim + semantic_dim)
  return outputs;
}

}  // namespace eegtorch
