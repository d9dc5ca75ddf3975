#include "transformer/transformer_eeg.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "core/check.h"

namespace eegtorch {

namespace {

// (samples, width): sines in even columns and cosines in odd ones, wavelengths from 2 pi to 10000 * 2 pi.
at::Tensor sinusoids(int64_t samples, int64_t width, const at::TensorOptions& options) {
  const auto position = at::arange(samples, at::kDouble).unsqueeze(1);
  const auto rate = at::pow(10000., at::arange(0, width, 2, at::kDouble).neg() / static_cast<double>(width));
  const auto angle = position * rate;
  return at::stack({angle.sin(), angle.cos()}, -1).flatten(1).to(options);
}

}  // namespace

TransformerEegImpl::TransformerEegImpl(const TransformerEegConfig& config) : config_(config) {
  const OptionCheck options("transformer_eeg");
  checkWindowOptions(options, config);
  const TransformerOptions layers{.width = config.d_model,
                                  .heads = config.n_heads,
                                  .feedforward = config.feedforward_dim,
                                  .layers = config.n_layers,
                                  .activation = config.activation,
                                  .drop_prob = config.drop_prob};
  layers.check(options, "d_model");
  options.require(config.positional_encoding.value == "none" || config.d_model % 2 == 0, "d_model",
                  "an even number, with sinusoids", std::to_string(config.d_model));

  embedding_ = register_module("embedding", torch::nn::Linear(config.n_chans, config.d_model));
  transformer_ = register_module("transformer", TransformerEncoder(layers));
  fc_ = register_module("fc", torch::nn::Linear(config.d_model, config.n_outputs));
}

at::Tensor TransformerEegImpl::forward(const at::Tensor& eeg) {
  checkWindows("transformer_eeg", eeg, fc_->weight, config_);
  auto x = embedding_->forward(eeg.transpose(1, 2));  // (batch, samples, d_model)
  if (config_.positional_encoding.value == "sinusoidal") x = x + sinusoids(x.size(1), x.size(2), x.options());
  return fc_->forward(transformer_->forward(x).mean(1));  // (batch, n_outputs)
}

}  // namespace eegtorch
