// A convolutional network on the latent vector of the adversarial autoencoder, folded into a square (design document
// cnn_aae). Reference: test/oracle/models/eeg/latent_cnn_classifier.py.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include "blocks/packed_chain.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct LatentCnnClassifierConfig {
  int64_t latent_dim = 144;
  int64_t n_outputs = 4;
  int64_t width = 32;
  int64_t fc_features = 64;
  double drop_prob = 0.5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("latent_dim", latent_dim, "width of the latent vector, 10 or more; zeros fill it up to the next square");
    visit("n_outputs", n_outputs, "classes");
    visit("width", width, "filters of the first convolution; each further one has twice as many");
    visit("fc_features", fc_features, "width between the two linear layers");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class LatentCnnClassifierImpl : public ModelImpl {
 public:
  explicit LatentCnnClassifierImpl(const LatentCnnClassifierConfig& config = {});

  // latent (batch, latent_dim) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& latent);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  LatentCnnClassifierConfig config_;
  int64_t side_;
  torch::nn::Sequential conv_{nullptr}, fc_{nullptr};
  std::optional<PackedChain> chain_;
};
TORCH_MODULE(LatentCnnClassifier);

}  // namespace eegtorch
