// Latent discriminator of the adversarial autoencoder: is a latent vector drawn from the prior, or encoded from an
// image? (Makhzani et al. 2015, arXiv 1511.05644.) Reference: test/oracle/models/eeg/aae_discriminator.py.
#pragma once

#include <deque>

#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct AaeDiscriminatorConfig {
  int64_t latent_dim = 144;
  std::vector<int64_t> hidden_dims = {512, 256};

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("latent_dim", latent_dim, "width of the latent vector");
    visit("hidden_dims", hidden_dims, "widths of the hidden layers; may be empty");
  }
};

class AaeDiscriminatorImpl : public ModelImpl {
 public:
  explicit AaeDiscriminatorImpl(const AaeDiscriminatorConfig& config = {});

  // latent (batch, latent_dim) -> logit (batch, 1), which losses read
  at::Tensor forward(const at::Tensor& latent);
  // logit and probability, its sigmoid
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  AaeDiscriminatorConfig config_;
  std::deque<PackedLinear> layers_;
};
TORCH_MODULE(AaeDiscriminator);

}  // namespace eegtorch
