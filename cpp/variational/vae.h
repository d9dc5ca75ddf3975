// A variational autoencoder of a whole window (Kingma and Welling 2014, ICLR). Reference:
// test/oracle/models/eeg/vae.py.
#pragma once

#include <torch/nn/modules/linear.h>

#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct VaeConfig {
  int64_t n_chans = 22;
  int64_t n_times = 1000;
  int64_t hidden_dim = 2000;
  int64_t latent_dim = 20;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_times", n_times, "samples in a window");
    visit("hidden_dim", hidden_dim, "width of the hidden layers");
    visit("latent_dim", latent_dim, "width of the latent vector");
  }
};

struct VaeOutput {
  at::Tensor reconstruction;  // (batch, n_chans, n_times)
  at::Tensor mu, logvar;      // (batch, latent_dim)
};

class VaeImpl : public ModelImpl {
 public:
  // owner: the network that is made of it, for messages.
  explicit VaeImpl(const VaeConfig& config = {}, const char* owner = "vae");

  // eeg (batch, n_chans, n_times); noise (batch, latent_dim), standard normal or, for the mean, zeros.
  VaeOutput forward(const at::Tensor& eeg, const at::Tensor& noise);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  VaeConfig config_;
  const char* owner_;
  torch::nn::Linear fc1_{nullptr}, fc21_{nullptr}, fc22_{nullptr}, fc3_{nullptr}, fc4_{nullptr};
};
TORCH_MODULE(Vae);

}  // namespace eegtorch
