#include "adversarial/aae_decoder.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include "adversarial/image_size.h"
#include "blocks/channels_last.h"

namespace eegtorch {

namespace {

torch::nn::ConvTranspose2d doubling(int64_t in, int64_t out) {
  return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1));
}

}  // namespace

AaeDecoderImpl::AaeDecoderImpl(const AaeDecoderConfig& config) : config_(config) {
  const OptionCheck options("aae_decoder");
  options.size("out_chans", config.out_chans);
  options.size("latent_dim", config.latent_dim);
  options.size("width", config.width);
  const AaeGrid grid = aaeGrid(options, config.image_size);
  grid_ = {8 * config.width, grid.height, grid.width};

  fc_ = register_module("fc", torch::nn::Linear(config.latent_dim, grid_[0] * grid_[1] * grid_[2]));
  deconv_ = register_module("deconv", torch::nn::Sequential());
  for (int64_t filters = grid_[0]; filters > config.width; filters /= 2) {
    deconv_->push_back(doubling(filters, filters / 2));
    deconv_->push_back(torch::nn::BatchNorm2d(filters / 2));
    deconv_->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
  }
  deconv_->push_back(doubling(config.width, config.out_chans));
  deconv_->push_back(torch::nn::Sigmoid());
  storeChannelsLast(*deconv_);
  chain_.emplace(deconv_);
}

at::Tensor AaeDecoderImpl::forward(const at::Tensor& latent) {
  checkInput("aae_decoder", latent, fc_->weight, {"batch", {config_.latent_dim, "latent values"}});
  const auto x = fc_->forward(latent).unflatten(1, grid_);  // (batch, 8 * width, height / 16, width / 16)
  return chain_->forward(x);                                // (batch, out_chans, height, width)
}

}  // namespace eegtorch
