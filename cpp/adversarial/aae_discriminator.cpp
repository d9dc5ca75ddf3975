#include "adversarial/aae_discriminator.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include "core/check.h"

namespace eegtorch {

namespace {

constexpr double kSlope = 0.2;

}  // namespace

AaeDiscriminatorImpl::AaeDiscriminatorImpl(const AaeDiscriminatorConfig& config) : config_(config) {
  const OptionCheck options("aae_discriminator");
  options.size("latent_dim", config.latent_dim);
  if (!config.hidden_dims.empty()) options.sizes("hidden_dims", config.hidden_dims);

  model_ = register_module("model", torch::nn::Sequential());
  int64_t width = config.latent_dim;
  for (const int64_t next : config.hidden_dims) {
    model_->push_back(torch::nn::Linear(width, next));
    model_->push_back(torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(kSlope)));
    width = next;
  }
  model_->push_back(torch::nn::Linear(width, 1));
}

at::Tensor AaeDiscriminatorImpl::forward(const at::Tensor& latent) {
  checkInput("aae_discriminator", latent, parameters().front(), {"batch", {config_.latent_dim, "latent values"}});
  return model_->forward(latent);  // (batch, 1)
}

std::vector<at::Tensor> AaeDiscriminatorImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto logit = forward(inputs.at(0));
  return {logit, logit.sigmoid()};
}

}  // namespace eegtorch
