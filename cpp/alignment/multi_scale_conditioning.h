// What conditions a diffusion model at several scales (MultiScaleConditioning of the design document sgdm): the EEG's
// latent and a semantic vector, each projected to every scale's width, and both as one token of context. Reference:
// test/oracle/models/eeg/multi_scale_conditioning.py.
#pragma once

#include <torch/nn/modules/container/modulelist.h>

#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"
#include "kernels/packed_product.h"

namespace eegtorch {

struct MultiScaleConditioningConfig {
  int64_t latent_dim = 512;
  int64_t semantic_dim = 512;
  int64_t n_scales = 3;
  int64_t base_dim = 128;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("latent_dim", latent_dim, "width of the EEG's latent vector");
    visit("semantic_dim", semantic_dim, "width of the semantic vector");
    visit("n_scales", n_scales, "scales");
    visit("base_dim", base_dim, "width of the first scale; each further one has twice as much");
  }

  std::vector<std::string> outputs() const;
};

class MultiScaleConditioningImpl : public ModelImpl {
 public:
  explicit MultiScaleConditioningImpl(const MultiScaleConditioningConfig& config = {});

  // latent (batch, latent_dim), semantic (batch, semantic_dim), has_semantic (batch) of 0 and 1, which says where a
  // learned vector takes the place of semantic -> eeg_i and semantic_i (batch, base_dim * 2^i) of each scale, and
  // context (batch, 1, latent_dim + semantic_dim).
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  struct Projections {
    torch::nn::ModuleList layers{nullptr};
    std::vector<at::Tensor> weights;
    kernels::Kept<kernels::PackedProduct> packed;  // all of them side by side

    explicit Projections(const torch::nn::ModuleList& layers);
    // Of x (batch, in), one result for each layer.
    std::vector<at::Tensor> forward(const at::Tensor& x, bool training);
  };

  MultiScaleConditioningConfig config_;
  std::optional<Projections> eeg_, semantic_;
  at::Tensor null_semantic_;
};
TORCH_MODULE(MultiScaleConditioning);

}  // namespace eegtorch
