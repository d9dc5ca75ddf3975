#include "alignment/sgdm_eeg_encoder.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/pooling.h>

#include "blocks/eeg_window.h"
#include "blocks/floating_tensors.h"
#include "core/check.h"
#include "kernels/norm_relu.h"
#include "kernels/packed_conv1d.h"

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

kernels::PackedConv1d packed(const torch::nn::Conv1dImpl& conv, torch::nn::BatchNorm1dImpl& norm, int64_t steps) {
  const kernels::FoldedNorm folded(norm);
  return {folded.weightOf(conv.weight), folded.biasOf(conv.bias), 1, conv.weight.size(2) / 2, steps};
}

// x: (batch, steps, channels), as AdaptiveAvgPool1d(length), which takes three times as long where the steps divide.
at::Tensor averageSteps(const at::Tensor& x, int64_t length) {
  if (x.size(1) % length != 0) return at::adaptive_avg_pool1d(x.transpose(1, 2), length).transpose(1, 2);
  return x.unflatten(1, {length, x.size(1) / length}).mean(2);
}

}  // namespace

struct PackedTemporalConv {
  kernels::PackedConv1d first, second;
};

SgdmEegEncoderImpl::SgdmEegEncoderImpl(const SgdmEegEncoderConfig& config) : config_(config) {
  check(config);
  const int64_t first = config.conv_filters[0], second = config.conv_filters[1];
  const auto conv1 = conv(config.n_chans, first, config.conv_lengths[0]),
             conv2 = conv(first, second, config.conv_lengths[1]);
  const torch::nn::BatchNorm1d norm1(first), norm2(second);
  conv1_ = conv1, conv2_ = conv2, norm1_ = norm1, norm2_ = norm2;
  tensors_ = floatingTensors(*register_module(
      "temporal_conv", torch::nn::Sequential(conv1, norm1, torch::nn::ReLU(), conv2, norm2, torch::nn::ReLU(),
                                             torch::nn::AdaptiveAvgPool1d(config.pooled_length))));
  temporal_attn_ = register_module("temporal_attn", MultiheadAttention(second, config.n_heads, 0.));
  const torch::nn::Linear hidden(second * config.pooled_length, config.hidden_dim);
  const torch::nn::Linear latent(config.hidden_dim, config.latent_dim);
  dropout_ = Dropout(config.drop_prob);
  register_module("fc", torch::nn::Sequential(hidden, torch::nn::ReLU(), dropout_, latent));
  hidden_.emplace(hidden, kernels::Activation{.slope = 0});
  latent_.emplace(latent);
}

PackedTemporalConv SgdmEegEncoderImpl::pack() {
  const at::NoGradGuard no_grad;
  return {packed(*conv1_, *norm1_, config_.n_times), packed(*conv2_, *norm2_, config_.n_times)};
}

at::Tensor SgdmEegEncoderImpl::pooledSteps(const at::Tensor& eeg) {
  const auto packed = packed_.inferring({is_training(), eeg}, tensors_, [this] { return pack(); });
  if (!packed) {
    const auto y = kernels::batchNormRelu(conv1_->forward(eeg), *norm1_);
    return averageSteps(kernels::batchNormRelu(conv2_->forward(y), *norm2_).transpose(1, 2), config_.pooled_length);
  }
  const kernels::ChannelsLastWindows windows(eeg, config_.conv_lengths[0] / 2);
  const auto y = packed->first.forward(windows, config_.conv_lengths[1] / 2, 0);
  return averageSteps(packed->second.forward(y, 0, 0).inner(), config_.pooled_length);
}

at::Tensor SgdmEegEncoderImpl::forward(const at::Tensor& eeg) {
  checkWindows("sgdm_eeg_encoder", eeg, parameters().front(), config_);
  const auto x = pooledSteps(eeg);
  const auto hidden = hidden_->forward(temporal_attn_->forward(x, x).flatten(1), is_training());
  return latent_->forward(dropout_->forward(hidden), is_training());  // (batch, latent_dim)
}

}  // namespace eegtorch
