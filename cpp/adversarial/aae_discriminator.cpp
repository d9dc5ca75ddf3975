#include "adversarial/aae_discriminator.h"

#include <torch/nn/modules/linear.h>

#include "blocks/chain.h"
#include "core/check.h"

namespace eegtorch {

namespace {

constexpr double kSlope = 0.2;

}  // namespace

AaeDiscriminatorImpl::AaeDiscriminatorImpl(const AaeDiscriminatorConfig& config) : config_(config) {
  const OptionCheck options("aae_discriminator");
  options.size("latent_dim", config.latent_dim);
  if (!config.hidden_dims.empty()) options.sizes("hidden_dims", config.hidden_dims);

  const auto model = register_module("model", std::make_shared<Named>());
  int64_t width = config.latent_dim;
  // The reference's activations stand between the layers.
  const auto add = [&](int64_t next, double slope) {
    const auto name = std::to_string(2 * layers_.size());
    layers_.emplace_back(model->register_module(name, torch::nn::Linear(width, next)),
                         kernels::Activation{.slope = slope});
    width = next;
  };
  for (const int64_t next : config.hidden_dims) add(next, kSlope);
  add(1, 1);
}

at::Tensor AaeDiscriminatorImpl::forward(const at::Tensor& latent) {
  checkInput("aae_discriminator", latent, parameters().front(), {"batch", {config_.latent_dim, "latent values"}});
  auto x = latent;
  for (auto& layer : layers_) x = layer.forward(x, is_training());
  return x;  // (batch, 1)
}

std::vector<at::Tensor> AaeDiscriminatorImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto logit = forward(inputs.at(0));
  return {logit, logit.sigmoid()};
}

}  // namespace eegtorch
