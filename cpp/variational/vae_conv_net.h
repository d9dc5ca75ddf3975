// A ConvNet that reads a window's reconstruction by a variational autoencoder; both are trained together (section A.2
// of the BCI Competition IV 2a design document). Reference: test/oracle/models/eeg/vae_conv_net.py.
#pragma once

#include "conv/conv_net.h"
#include "variational/vae.h"

namespace eegtorch {

struct VaeConvNetConfig {
  VaeConfig vae;
  ConvNetConfig classifier;  // its n_chans and n_times are those of the autoencoder

  template <class Visitor>
  void fields(Visitor&& visit) {
    vae.fields(visit);
    classifier.fields([&](const char* name, auto& field, const char* doc) {
      const std::string_view shared(name);
      if (shared != "n_chans" && shared != "n_times") visit(name, field, doc);
    });
  }
};

class VaeConvNetImpl : public ModelImpl {
 public:
  explicit VaeConvNetImpl(VaeConvNetConfig config = {});

  // eeg (batch, n_chans, n_times), noise (batch, latent_dim) -> logits (batch, n_outputs), then what the autoencoder
  // gives.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  Vae vae_{nullptr};
  ConvNet classifier_{nullptr};
};
TORCH_MODULE(VaeConvNet);

}  // namespace eegtorch
