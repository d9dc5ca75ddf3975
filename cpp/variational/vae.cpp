#include "variational/vae.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "core/check.h"
#include "kernels/linear.h"

namespace eegtorch {

VaeImpl::VaeImpl(const VaeConfig& config, const char* owner) : config_(config), owner_(owner) {
  const OptionCheck options(owner);
  checkWindowOptions(options, config);
  options.size("hidden_dim", config.hidden_dim);
  options.size("latent_dim", config.latent_dim);
  const int64_t size = config.n_chans * config.n_times;
  fc1_ = register_module("fc1", torch::nn::Linear(size, config.hidden_dim));
  fc21_ = register_module("fc21", torch::nn::Linear(config.hidden_dim, config.latent_dim));
  fc22_ = register_module("fc22", torch::nn::Linear(config.hidden_dim, config.latent_dim));
  fc3_ = register_module("fc3", torch::nn::Linear(config.latent_dim, config.hidden_dim));
  fc4_ = register_module("fc4", torch::nn::Linear(config.hidden_dim, size));
}

VaeOutput VaeImpl::forward(const at::Tensor& eeg, const at::Tensor& noise) {
  checkWindows(owner_, eeg, fc1_->weight, config_);
  checkInput(owner_, noise, fc1_->weight, {{eeg.size(0), "windows"}, {config_.latent_dim, "latent values"}});
  const auto encoded = kernels::linear(eeg.flatten(1), fc1_->weight, fc1_->bias).relu();  // (batch, hidden_dim)
  const auto mu = fc21_->forward(encoded), logvar = fc22_->forward(encoded);
  const auto z = mu + noise * (0.5 * logvar).exp();  // (batch, latent_dim)
  const auto decoded = kernels::linear(fc3_->forward(z).relu(), fc4_->weight, fc4_->bias);
  return {decoded.view_as(eeg), mu, logvar};
}

std::vector<at::Tensor> VaeImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto [reconstruction, mu, logvar] = forward(inputs.at(0), inputs.at(1));
  return {reconstruction, mu, logvar};
}

}  // namespace eegtorch
