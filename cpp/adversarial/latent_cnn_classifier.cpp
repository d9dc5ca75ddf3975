#include "adversarial/latent_cnn_classifier.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>

#include <cmath>

#include "blocks/dropout.h"
#include "core/check.h"

namespace eegtorch {

namespace {

constexpr int64_t kLeastLatent = 10;  // a side of 4, which two halvings leave at 1
constexpr int64_t kMostImages =
    1024;  // so small that packed weights take half of oneDNN's time; more take too much room

torch::nn::Conv2d conv(int64_t in, int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

}  // namespace

LatentCnnClassifierImpl::LatentCnnClassifierImpl(const LatentCnnClassifierConfig& config) : config_(config) {
  const OptionCheck options("latent_cnn_classifier");
  options.size("latent_dim", config.latent_dim);
  options.require(config.latent_dim >= kLeastLatent, "latent_dim", "10 or more", std::to_string(config.latent_dim));
  options.size("n_outputs", config.n_outputs);
  options.size("width", config.width);
  options.size("fc_features", config.fc_features);
  options.fraction("drop_prob", config.drop_prob);

  side_ = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(config.latent_dim))));
  const int64_t w = config.width;
  using torch::nn::MaxPool2d, torch::nn::ReLU;
  conv_ = register_module("conv",
                          torch::nn::Sequential(conv(1, w), ReLU(), MaxPool2d(2), conv(w, 2 * w), ReLU(), MaxPool2d(2),
                                                conv(2 * w, 4 * w), ReLU(), torch::nn::AdaptiveAvgPool2d(1)));
  chain_.emplace(conv_, kMostImages);
  fc_ = register_module(
      "fc", torch::nn::Sequential(torch::nn::Flatten(), torch::nn::Linear(4 * w, config.fc_features), ReLU(),
                                  Dropout(config.drop_prob), torch::nn::Linear(config.fc_features, config.n_outputs)));
}

at::Tensor LatentCnnClassifierImpl::forward(const at::Tensor& latent) {
  checkInput("latent_cnn_classifier", latent, parameters().front(), {"batch", {config_.latent_dim, "latent values"}});
  const auto padded = at::constant_pad_nd(latent, {0, side_ * side_ - config_.latent_dim});
  return fc_->forward(chain_->forward(padded.unflatten(1, {1, side_, side_})));  // (batch, n_outputs)
}

}  // namespace eegtorch
