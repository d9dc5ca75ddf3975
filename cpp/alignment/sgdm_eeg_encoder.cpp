#include "alignment/sgdm_eeg_encoder.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/pooling.h>

#include "blocks/eeg_window.h"
#include "core/check.h"

namespace eegtorch {

namespace {

void check(const SgdmEegEncoderConfig& c) {
  const OptionCheck options("sgdm_eeg_encoder");
  checkWindowOptions(options, c);
  options.size("latent_dim", c.latent_dim);
  for (const auto& [name, values] : {std::pair{"conv_filters", &c.conv_filters}, {"conv_lengths", &c.conv_lengths}}) {
    options.require(values->size() == 2, name, "two numbers", std::to_string(values->size()));
    options.sizes(name, *values);
  }
  for (const int64_t length : c.conv_lengths)
    options.require(length % 2 == 1, "conv_lengths", "odd numbers, which keep the samples", std::to_string(length));
  options.size("pooled_length", c.pooled_length);
  options.divides("n_heads", c.n_heads, "the second of conv_filters", c.conv_filters[1]);
  options.size("hidden_dim", c.hidden_dim);
  options.fraction("drop_prob", c.drop_prob);
}

torch::nn::Conv1d conv(int64_t in, int64_t out, int64_t length) {
  return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, length).padding(length / 2));
}

}  // namespace

SgdmEegEncoderImpl::SgdmEegEncoderImpl(const SgdmEegEncoderConfig& config) : config_(config) {
  check(config);
  const int64_t first = config.conv_filters[0], second = config.conv_filters[1];
  temporal_conv_ =
      register_module("temporal_conv",
                      torch::nn::Sequential(conv(config.n_chans, first, config.conv_lengths[0]),
                                            torch::nn::BatchNorm1d(first), torch::nn::ReLU(),
                                            conv(first, second, config.conv_lengths[1]), torch::nn::BatchNorm1d(second),
                                            torch::nn::ReLU(), torch::nn::AdaptiveAvgPool1d(config.pooled_length)));
  temporal_attn_ = register_module("temporal_attn", MultiheadAttention(second, config.n_heads, 0.));
  const torch::nn::Linear hidden(second * config.pooled_length, config.hidden_dim);
  const torch::nn::Linear latent(config.hidden_dim, config.latent_dim);
  dropout_ = Dropout(config.drop_prob);
  register_module("fc", torch::nn::Sequential(hidden, torch::nn::ReLU(), dropout_, latent));
  hidden_.emplace(hidden, kernels::Activation{.slope = 0});
  latent_.emplace(latent);
}

at::Tensor SgdmEegEncoderImpl::forward(const at::Tensor& eeg) {
  checkWindows("sgdm_eeg_encoder", eeg, parameters().front(), config_);
  const auto x = temporal_conv_->forward(eeg).transpose(1, 2);  // (batch, pooled_length, filters)
  const auto hidden = hidden_->forward(temporal_attn_->forward(x, x).flatten(1), is_training());
  return latent_->forward(dropout_->forward(hidden), is_training());  // (batch, latent_dim)
}

}  // namespace eegtorch
