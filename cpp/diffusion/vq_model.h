// The autoencoder of discrete codes (van den Oord et al. 2017, NeurIPS, arXiv 1711.00937; Esser et al. 2021, CVPR,
// arXiv 2012.09841), as aMUSEd has it. Reference: diffusers, VQModel, whose tensors have these names.
#pragma once

#include "core/methods.h"
#include "diffusion/image_coder.h"

namespace eegtorch {

inline constexpr std::array kVqNorms = {"group"};

struct VqModelConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  std::vector<OneOf<kDownEncoderBlocks>> down_block_types{1};
  std::vector<OneOf<kUpDecoderBlocks>> up_block_types{1};
  std::vector<int64_t> block_out_channels = {64};
  int64_t layers_per_block = 1;
  OneOf<kCoderActivations> act_fn;
  int64_t latent_channels = 3;
  RecordedSize sample_size{Value(32)};
  int64_t num_vq_embeddings = 256;
  int64_t norm_num_groups = 32;
  std::optional<int64_t> vq_embed_dim;
  double scaling_factor = 0.18215;
  OneOf<kVqNorms> norm_type;
  bool mid_block_add_attention = true;
  bool lookup_from_codebook = false;
  bool force_upcast = false;

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
    visit("sample_size", sample_size, "image size it was trained on; recorded, not used by the network");
    visit("num_vq_embeddings", num_vq_embeddings, "codes");
    visit("norm_num_groups", norm_num_groups, "groups of group norms, a divisor of all block_out_channels");
    visit("vq_embed_dim", vq_embed_dim, "width of a code; latent_channels when null");
    visit("scaling_factor", scaling_factor, "of latents in some pipelines; recorded, not used by the network");
    visit("norm_type", norm_type, "norms of the decoder");
    visit("mid_block_add_attention", mid_block_add_attention, "whether the lowest resolution has attention");
    visit("lookup_from_codebook", lookup_from_codebook,
          "whether pipelines give the decoder codes; recorded, decode takes codes");
    visit("force_upcast", force_upcast, "whether pipelines in half precision decode in float32; recorded");
  }
};

class VqModelImpl : public ModelImpl, public HasMethods {
 public:
  explicit VqModelImpl(const VqModelConfig& config = {});

  // image (batch, in_channels, height, width), codes (batch, rows, columns), int64 -> latents (batch, vq_embed_dim,
  // height / factor, width / factor), indices of their nearest codes, the image of these (its gradient goes to the
  // latents as if they were not rounded), the loss that draws latents and codes together, and the image of the codes.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

  // encode: image -> latents, indices. decode: codes -> image.
  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  std::unordered_map<std::string, std::string> olderNames() const override { return olderAttentionNames(*this); }

 private:
  at::Tensor encode(const at::Tensor& image);
  at::Tensor nearestCodes(const at::Tensor& latents) const;  // (batch, rows, columns)
  at::Tensor lookUp(const at::Tensor& codes);                // (batch, rows, columns, vq_embed_dim)
  at::Tensor decode(const at::Tensor& latents);
  at::Tensor decodeCodes(const at::Tensor& codes);

  int64_t codes_;
  ImageEncoder encoder_{nullptr};
  ImageDecoder decoder_{nullptr};
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
  Embedding embedding_{nullptr};
};
TORCH_MODULE(VqModel);

}  // namespace eegtorch
