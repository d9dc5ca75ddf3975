// The denoising network of the design document sgdm (cf. arXiv 2604.22649): a UNet whose context is one token of the
// EEG's latent and a semantic vector, and whose residual blocks of each scale's width have that scale's projections of
// both added, beside what the time step adds. Reference: test/oracle/models/generation/sgdm_unet.py.
#pragma once

#include "alignment/multi_scale_conditioning.h"
#include "diffusion/unet2d_condition.h"

namespace eegtorch {

struct SgdmUNetConfig : UNet2dConditionConfig {
  int64_t latent_dim = 512;
  int64_t semantic_dim = 512;
  int64_t n_scales = 3;
  std::optional<int64_t> base_dim;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("latent_dim", latent_dim, "width of the EEG's latent vector");
    visit("semantic_dim", semantic_dim, "width of the semantic vector");
    visit("n_scales", n_scales, "scales, each twice as wide as the one before");
    visit("base_dim", base_dim, "width of the first scale; the UNet's first width when null");
    UNet2dConditionConfig::fields([&](const char* name, auto& field, const char* doc) {
      if (std::string(name) != "cross_attention_dim") visit(name, field, doc);  // that of the two vectors together
    });
  }

  UNet2dConditionConfig unet() const;
  MultiScaleConditioningConfig conditioning() const;
  std::vector<std::string> inputs() const;
};

class SgdmUNetImpl : public ModelImpl {
 public:
  explicit SgdmUNetImpl(const SgdmUNetConfig& config = {});

  // sample (batch, in_channels, height, width), timestep () or (batch), latent (batch, latent_dim), semantic (batch,
  // semantic_dim), has_semantic (batch) of 0 and 1, which says where a learned vector takes the place of semantic, then
  // ControlNet's residuals as of unet2d_condition -> sample (batch, out_channels, height, width)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  std::vector<int64_t> scales_;  // their widths
  MultiScaleConditioning conditioning_{nullptr};
  UNet2dCondition unet_{nullptr};
};
TORCH_MODULE(SgdmUNet);

}  // namespace eegtorch
