#include "clip/clip_vision.h"

#include <ATen/Functions.h>

#include <cmath>

#include "blocks/chain.h"
#include "core/check.h"

namespace eegtorch {

namespace {

constexpr const char* kName = "clip_vision";

void check(const ClipVisionConfig& config) {
  config.check(kName);
  const OptionCheck options(kName);
  options.size("num_channels", config.num_channels);
  options.size("image_size", config.image_size);
  options.size("patch_size", config.patch_size);
  options.require(config.patch_size <= config.image_size, "patch_size", "at most image_size",
                  std::to_string(config.patch_size));
}

}  // namespace

ClipVisionImpl::ClipVisionImpl(const ClipVisionConfig& config) : config_(config) {
  check(config);
  const int64_t width = config.hidden_size, side = config.image_size / config.patch_size;
  const auto norm = [&] { return LayerNorm(width, config.layer_norm_eps); };
  const auto body = register_module("vision_model", std::make_shared<Named>());
  const auto embeddings = body->register_module("embeddings", std::make_shared<Named>());
  class_embedding_ =
      embeddings->register_parameter("class_embedding", at::randn({width}) / std::sqrt(static_cast<double>(width)));
  patch_embedding_ = embeddings->register_module(
      "patch_embedding",
      Conv2d(config.num_channels, width, config.patch_size, Conv2dShape{.stride = config.patch_size, .bias = false}));
  position_embedding_ = embeddings->register_module("position_embedding", Embedding(side * side + 1, width));
  pre_layrnorm_ = body->register_module("pre_layrnorm", norm());
  encoder_ = body->register_module("encoder", ClipEncoder(config));
  post_layernorm_ = body->register_module("post_layernorm", norm());
  visual_projection_ = register_module("visual_projection", Linear(width, config.projection_dim, /*with_bias=*/false));
}

std::vector<at::Tensor> ClipVisionImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto& pixels = inputs.at(0);
  checkInput(
      kName, pixels, class_embedding_,
      {"batch", {config_.num_channels, "channels"}, {config_.image_size, "rows"}, {config_.image_size, "columns"}});
  const auto patches = patch_embedding_->forward(pixels).flatten(2).transpose(1, 2);  // (batch, patches, width)
  const auto own = class_embedding_.expand({pixels.size(0), 1, -1});
  const auto x = at::cat({own, patches}, 1) + position_embedding_->weight;
  const auto states = encoder_->forward(pre_layrnorm_->forward(x), /*causal=*/false);
  const auto pooled = post_layernorm_->forward(states.last.select(1, 0));
  return {visual_projection_->forward(pooled), states.last, states.penultimate};
}

}  // namespace eegtorch
