#include "diffusion/image_coder.h"

#include <ATen/Functions.h>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "core/state_dict.h"
#include "diffusion/in_place.h"

namespace eegtorch {

namespace {

constexpr double kEps = 1e-6;
constexpr size_t kMostResolutions = 16;

ResidualBlock residualBlock(int64_t in, int64_t out, int64_t groups) {
  return ResidualBlock(ResidualBlockOptions{.in = in, .out = out, .groups = groups, .eps = kEps});
}

Conv2d conv3x3(int64_t in, int64_t out) { return Conv2d(in, out, 3, Conv2dShape{.padding = 1}); }

}  // namespace

void CoderShape::check(const OptionCheck& options, size_t down, size_t up) const {
  options.sizes("block_out_channels", widths);
  options.require(widths.size() <= kMostResolutions, "block_out_channels", "at most 16 numbers",
                  std::to_string(widths.size()));
  const auto as_many = "as many as block_out_channels, " + std::to_string(widths.size());
  options.require(down == widths.size(), "down_block_types", as_many, std::to_string(down));
  options.require(up == widths.size(), "up_block_types", as_many, std::to_string(up));
  options.size("layers_per_block", layers);
  for (const int64_t width : widths) options.divides("norm_num_groups", groups, "block_out_channels", width);
}

PixelAttentionImpl::PixelAttentionImpl(int64_t channels, int64_t groups) {
  group_norm_ = register_module("group_norm", GroupNorm(groups, channels, kEps));
  to_q_ = register_module("to_q", Linear(channels, channels));
  to_k_ = register_module("to_k", Linear(channels, channels));
  to_v_ = register_module("to_v", Linear(channels, channels));
  to_out_ = register_module("to_out", std::make_shared<Named>())->register_module("0", Linear(channels, channels));
}

at::Tensor PixelAttentionImpl::forward(const at::Tensor& x) {
  const auto pixels = group_norm_->forward(x).flatten(2).transpose(1, 2);  // (batch, pixels, channels)
  const auto seen = attend(to_q_->forward(pixels), to_k_->forward(pixels), to_v_->forward(pixels), 1, 0, false);
  return addTo(to_out_->forward(seen).transpose(1, 2).reshape(x.sizes()), x);
}

CoderMiddleImpl::CoderMiddleImpl(const CoderShape& shape) {
  const int64_t width = shape.widths.back();
  const auto attentions = register_module("attentions", std::make_shared<Named>());
  if (shape.attention) attention_ = attentions->register_module("0", PixelAttention(width, shape.groups));
  const auto blocks = register_module("resnets", std::make_shared<Named>());
  before_ = blocks->register_module("0", residualBlock(width, width, shape.groups));
  after_ = blocks->register_module("1", residualBlock(width, width, shape.groups));
}

at::Tensor CoderMiddleImpl::forward(at::Tensor x) {
  x = before_->forward(x);
  if (attention_) x = attention_->forward(x);
  return after_->forward(x);
}

CoderStageImpl::CoderStageImpl(int64_t in, int64_t out, int64_t layers, int64_t groups, Resize resize) {
  const auto blocks = register_module("resnets", std::make_shared<Named>());
  for (int64_t i = 0; i < layers; i++)
    blocks_.push_back(blocks->register_module(std::to_string(i), residualBlock(i == 0 ? in : out, out, groups)));
  const auto container = [&](const char* name) { return register_module(name, std::make_shared<Named>()); };
  if (resize == Resize::halve) halve_ = container("downsamplers")->register_module("0", Downsample(out, 0));
  if (resize == Resize::twice) twice_ = container("upsamplers")->register_module("0", Upsample(out));
}

at::Tensor CoderStageImpl::forward(at::Tensor x) {
  for (auto& block : blocks_) x = block->forward(x);
  if (halve_) return halve_->forward(x);
  return twice_ ? twice_->forward(x) : x;
}

at::Tensor ImageCoderImpl::end(const at::Tensor& x) { return conv_out_->forward(norm_out_->forwardSilu(x)); }

ImageEncoderImpl::ImageEncoderImpl(const CoderShape& shape) : channels_(shape.in), factor_(shape.factor()) {
  const auto& widths = shape.widths;
  conv_in_ = register_module("conv_in", conv3x3(shape.in, widths.front()));
  const auto blocks = register_module("down_blocks", std::make_shared<Named>());
  for (size_t i = 0; i < widths.size(); i++) {
    const auto resize = i + 1 == widths.size() ? Resize::none : Resize::halve;
    const CoderStage stage(widths[i == 0 ? 0 : i - 1], widths[i], shape.layers, shape.groups, resize);
    stages_.push_back(blocks->register_module(std::to_string(i), stage));
  }
  middle_ = register_module("mid_block", CoderMiddle(shape));
  norm_out_ = register_module("conv_norm_out", GroupNorm(shape.groups, widths.back(), kEps));
  conv_out_ = register_module("conv_out", conv3x3(widths.back(), shape.out));
}

void ImageEncoderImpl::check(const char* model, const at::Tensor& images) const {
  checkInput(model, images, like(), {"batch", {channels_, "channels"}, "height", "width"});
  if (std::min(images.size(2), images.size(3)) < factor_)
    throw Error("SHAPE_MISMATCH", std::string(model) + " received an image too small for its halvings",
                "height and width of at least " + std::to_string(factor_), showShape(images.sizes()));
}

at::Tensor ImageEncoderImpl::forward(const at::Tensor& images) {
  auto x = conv_in_->forward(images);
  for (auto& stage : stages_) x = stage->forward(x);
  return end(middle_->forward(x));
}

ImageDecoderImpl::ImageDecoderImpl(const CoderShape& shape) {
  const auto& widths = shape.widths;
  conv_in_ = register_module("conv_in", conv3x3(shape.in, widths.back()));
  const auto blocks = register_module("up_blocks", std::make_shared<Named>());
  for (size_t i = 0; i < widths.size(); i++) {
    const size_t level = widths.size() - 1 - i;  // from the latent to the image
    const auto resize = level == 0 ? Resize::none : Resize::twice;
    const int64_t in = widths[std::min(level + 1, widths.size() - 1)];
    stages_.push_back(blocks->register_module(std::to_string(i),
                                              CoderStage(in, widths[level], shape.layers + 1, shape.groups, resize)));
  }
  middle_ = register_module("mid_block", CoderMiddle(shape));
  norm_out_ = register_module("conv_norm_out", GroupNorm(shape.groups, widths.front(), kEps));
  conv_out_ = register_module("conv_out", conv3x3(widths.front(), shape.out));
}

at::Tensor ImageDecoderImpl::forward(const at::Tensor& latents) {
  auto x = middle_->forward(conv_in_->forward(latents));
  for (auto& stage : stages_) x = stage->forward(x);
  return end(x);
}

std::unordered_map<std::string, std::string> olderAttentionNames(const torch::nn::Module& module) {
  static const std::array<std::pair<const char*, const char*>, 4> names = {
      {{".to_q.", ".query."}, {".to_k.", ".key."}, {".to_v.", ".value."}, {".to_out.0.", ".proj_attn."}}};
  std::unordered_map<std::string, std::string> older;
  for (const auto& [name, tensor] : stateDict(module)) {
    if (name.find(".attentions.0.") == std::string::npos) continue;
    for (const auto& [ours, theirs] : names) {
      const auto at = name.find(ours);
      if (at != std::string::npos) older.emplace(std::string(name).replace(at, std::string(ours).size(), theirs), name);
    }
  }
  return older;
}

}  // namespace eegtorch
