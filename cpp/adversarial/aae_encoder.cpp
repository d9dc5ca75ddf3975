#include "adversarial/aae_encoder.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include "adversarial/image_size.h"
#include "blocks/channels_last.h"

namespace eegtorch {

namespace {

constexpr double kSlope = 0.2;
constexpr int kDoublings = 3;

torch::nn::LeakyReLU leakyRelu() {
  return torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(kSlope).inplace(true));
}

torch::nn::Conv2d halving(int64_t in, int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 4).stride(2).padding(1));
}

}  // namespace

AaeEncoderImpl::AaeEncoderImpl(const AaeEncoderConfig& config) : config_(config) {
  const OptionCheck options("aae_encoder");
  options.size("in_chans", config.in_chans);
  options.size("latent_dim", config.latent_dim);
  options.size("width", config.width);
  const AaeGrid grid = aaeGrid(options, config.image_size);

  conv_ = register_module("conv", torch::nn::Sequential(halving(config.in_chans, config.width), leakyRelu()));
  int64_t filters = config.width;
  for (int i = 0; i < kDoublings; i++, filters *= 2) {
    conv_->push_back(halving(filters, 2 * filters));
    conv_->push_back(torch::nn::BatchNorm2d(2 * filters));
    conv_->push_back(leakyRelu());
  }
  storeChannelsLast(*conv_);
  chain_.emplace(conv_);
  fc_ = register_module("fc", torch::nn::Linear(filters * grid.height * grid.width, config.latent_dim));
}

at::Tensor AaeEncoderImpl::forward(const at::Tensor& image) {
  checkInput(
      "aae_encoder", image, fc_->weight,
      {"batch", {config_.in_chans, "channels"}, {config_.image_size[0], "rows"}, {config_.image_size[1], "columns"}});
  const auto x = chain_->forward(image);  // (batch, 8 * width, height / 16, width / 16)
  return fc_->forward(x.flatten(1));      // (batch, latent_dim)
}

}  // namespace eegtorch
