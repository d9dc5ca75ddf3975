// The variational autoencoder of latent diffusion (Kingma and Welling 2014, ICLR; Rombach et al. 2022, CVPR, arXiv
// 2112.10752). Reference: diffusers, AutoencoderKL, whose tensors have these names.
#pragma once

#include "core/methods.h"
#include "diffusion/image_coder.h"

namespace eegtorch {

struct AutoencoderKlConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  std::vector<OneOf<kDownEncoderBlocks>> down_block_types{1};
  std::vector<OneOf<kUpDecoderBlocks>> up_block_types{1};
  std::vector<int64_t> block_out_channels = {64};
  int64_t layers_per_block = 1;
  OneOf<kCoderActivations> act_fn;
  int64_t latent_channels = 4;
  int64_t norm_num_groups = 32;
  RecordedSize sample_size{Value(32)};
  double scaling_factor = 0.18215;
  std::optional<double> shift_factor;
  std::optional<std::vector<double>> latents_mean, latents_std;
  bool force_upcast = true;
  bool use_quant_conv = true;
  bool use_post_quant_conv = true;
  bool mid_block_add_attention = true;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_channels", in_channels, "channels of an image that is encoded");
    visit("out_channels", out_channels, "channels of an image that is decoded");
    visit("down_block_types", down_block_types, "kind of the encoder's blocks, one for each resolution");
    visit("up_block_types", up_block_types, "kind of the decoder's blocks, one for each resolution");
    visit("block_out_channels", block_out_channels, "channels at each resolution, each half of the one before");
    visit("layers_per_block", layers_per_block, "residual blocks at each resolution; the decoder has one more");
    visit("act_fn", act_fn, "nonlinearity");
    visit("latent_channels", latent_channels, "channels of the latent");
    visit("norm_num_groups", norm_num_groups, "groups of group norms, a divisor of all block_out_channels");
    visit("sample_size", sample_size, "image size it was trained on; recorded, not used by the network");
    visit("scaling_factor", scaling_factor,
          "latents are multiplied by it after encoding and divided by it before decoding");
    visit("shift_factor", shift_factor, "subtracted from latents by some pipelines; recorded, not used by the network");
    visit("latents_mean", latents_mean, "of each channel; recorded, not used by the network");
    visit("latents_std", latents_std, "of each channel; recorded, not used by the network");
    visit("force_upcast", force_upcast, "whether pipelines in half precision decode in float32; recorded");
    visit("use_quant_conv", use_quant_conv, "whether a 1 x 1 convolution follows the encoder");
    visit("use_post_quant_conv", use_post_quant_conv, "whether a 1 x 1 convolution comes before the decoder");
    visit("mid_block_add_attention", mid_block_add_attention, "whether the lowest resolution has attention");
  }
};

class AutoencoderKlImpl : public ModelImpl, public HasMethods {
 public:
  explicit AutoencoderKlImpl(const AutoencoderKlConfig& config = {});

  // image (batch, in_channels, height, width), noise and latents (batch, latent_channels, height / factor, width /
  // factor) -> mean and log variance of the latent, what is drawn with that noise, scaled, and the image of the
  // latents.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

  // encode: image, noise -> mean, logvar, encoded. decode: latents -> decoded.
  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  std::unordered_map<std::string, std::string> olderNames() const override { return olderAttentionNames(*this); }

 private:
  std::vector<at::Tensor> encode(const at::Tensor& image, const at::Tensor& noise);
  at::Tensor decode(const at::Tensor& latents);

  AutoencoderKlConfig config_;
  int64_t factor_;
  ImageEncoder encoder_{nullptr};
  ImageDecoder decoder_{nullptr};
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(AutoencoderKl);

}  // namespace eegtorch
