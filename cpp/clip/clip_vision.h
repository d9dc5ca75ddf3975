// The image network of CLIP, a vision transformer (Radford et al. 2021, ICML, arXiv 2103.00020). Reference:
// transformers, CLIPVisionModelWithProjection, whose tensors have these names.
#pragma once

#include "clip/clip_encoder.h"
#include "core/model.h"

namespace eegtorch {

struct ClipVisionConfig : ClipEncoderConfig {
  int64_t num_channels = 3;
  int64_t image_size = 224;
  int64_t patch_size = 32;

  ClipVisionConfig() { projection_dim = 512; }

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("num_channels", num_channels, "channels of an image");
    visit("image_size", image_size, "height and width of an image");
    visit("patch_size", patch_size, "height and width of a patch; rows and columns that fill none are left out");
    encoderFields(visit);
  }
};

class ClipVisionImpl : public ModelImpl {
 public:
  explicit ClipVisionImpl(const ClipVisionConfig& config = {});

  // pixel_values (batch, num_channels, image_size, image_size) -> image_embeds (batch, projection_dim),
  // last_hidden_state and penultimate (batch, 1 + patches, hidden_size), the image's own token first
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  ClipVisionConfig config_;
  at::Tensor class_embedding_;
  Conv2d patch_embedding_{nullptr};
  Embedding position_embedding_{nullptr};
  LayerNorm pre_layrnorm_{nullptr}, post_layernorm_{nullptr};  // the first is the reference's spelling
  ClipEncoder encoder_{nullptr};
  Linear visual_projection_{nullptr};
};
TORCH_MODULE(ClipVision);

}  // namespace eegtorch
