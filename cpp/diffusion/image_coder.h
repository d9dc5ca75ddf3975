// Encoder and decoder of images that diffusers' AutoencoderKL and VQModel share (Rombach et al. 2022, CVPR, arXiv
// 2112.10752): residual blocks at several resolutions, each half of the one before, with attention at the lowest. Parts
// are named as diffusers names them.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "blocks/layers.h"
#include "core/check.h"
#include "core/model.h"
#include "diffusion/config_fields.h"
#include "diffusion/resample.h"
#include "diffusion/residual_block.h"

namespace eegtorch {

inline constexpr std::array kDownEncoderBlocks = {"DownEncoderBlock2D"};
inline constexpr std::array kUpDecoderBlocks = {"UpDecoderBlock2D"};
inline constexpr std::array kCoderActivations = {"silu"};

// What either half is made from.
struct CoderShape {
  int64_t in, out;              // channels
  std::vector<int64_t> widths;  // channels at each resolution, from the image to the latent
  int64_t layers;               // residual blocks at each resolution; a decoder has one more
  int64_t groups;               // of group norms
  bool attention;               // at the lowest resolution

  // Refuses what no pair of halves has. down, up: how many blocks the options list.
  void check(const OptionCheck& options, size_t down, size_t up) const;
  // How many times an image is larger than its latent, in height and in width.
  int64_t factor() const { return int64_t{1} << (widths.size() - 1); }
};

// Attention of every pixel to every other, in one head, beside a short cut.
class PixelAttentionImpl : public torch::nn::Module {
 public:
  PixelAttentionImpl(int64_t channels, int64_t groups);
  at::Tensor forward(const at::Tensor& x);  // (batch, channels, height, width), likewise

 private:
  GroupNorm group_norm_{nullptr};
  Linear to_q_{nullptr}, to_k_{nullptr}, to_v_{nullptr}, to_out_{nullptr};
};
TORCH_MODULE(PixelAttention);

// A residual block, attention and another one, at the lowest resolution.
class CoderMiddleImpl : public torch::nn::Module {
 public:
  explicit CoderMiddleImpl(const CoderShape& shape);
  at::Tensor forward(at::Tensor x);

 private:
  PixelAttention attention_{nullptr};
  ResidualBlock before_{nullptr}, after_{nullptr};
};
TORCH_MODULE(CoderMiddle);

enum class Resize { none, halve, twice };

// The residual blocks of one resolution, and the way to the next.
class CoderStageImpl : public torch::nn::Module {
 public:
  CoderStageImpl(int64_t in, int64_t out, int64_t layers, int64_t groups, Resize resize);
  at::Tensor forward(at::Tensor x);

 private:
  std::vector<ResidualBlock> blocks_;
  Downsample halve_{nullptr};
  Upsample twice_{nullptr};
};
TORCH_MODULE(CoderStage);

// What both halves begin and end with.
class ImageCoderImpl : public torch::nn::Module {
 public:
  // A parameter: inputs have its dtype and device.
  const at::Tensor& like() const { return conv_in_->weight; }

 protected:
  at::Tensor end(const at::Tensor& x);

  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<CoderStage> stages_;
  CoderMiddle middle_{nullptr};
  GroupNorm norm_out_{nullptr};
};

class ImageEncoderImpl : public ImageCoderImpl {
 public:
  explicit ImageEncoderImpl(const CoderShape& shape);
  // Refuses images of other channels, and those too small for a latent. model: for the message.
  void check(const char* model, const at::Tensor& images) const;
  // (batch, in, height, width) -> (batch, out, height / factor, width / factor), rounded down
  at::Tensor forward(const at::Tensor& images);

 private:
  int64_t channels_, factor_;
};
TORCH_MODULE(ImageEncoder);

class ImageDecoderImpl : public ImageCoderImpl {
 public:
  explicit ImageDecoderImpl(const CoderShape& shape);
  // (batch, in, height, width) -> (batch, out, factor * height, factor * width)
  at::Tensor forward(const at::Tensor& latents);
};
TORCH_MODULE(ImageDecoder);

// Names of attention in published files (query, key, value, proj_attn) -> to_q, to_k, to_v, to_out.0.
std::unordered_map<std::string, std::string> olderAttentionNames(const torch::nn::Module& module);

}  // namespace eegtorch
