// Encoder of the adversarial autoencoder on EEG images: spectrogram or scalp map to latent vector (Makhzani et al.
// 2015, arXiv 1511.05644; Nasybullin and Kurkin, arXiv 2604.04313). Reference: test/oracle/models/eeg/aae_encoder.py.
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "blocks/packed_chain.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct AaeEncoderConfig {
  int64_t in_chans = 1;
  std::vector<int64_t> image_size = {64, 64};
  int64_t latent_dim = 144;
  int64_t width = 32;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_chans", in_chans, "channels of the image");
    visit("image_size", image_size, "height and width of the image in pixels, multiples of 16");
    visit("latent_dim", latent_dim, "width of the latent vector");
    visit("width", width, "filters of the first convolution; each further one doubles them");
  }
};

class AaeEncoderImpl : public ModelImpl {
 public:
  explicit AaeEncoderImpl(const AaeEncoderConfig& config = {});

  // image (batch, in_chans, height, width) -> latent (batch, latent_dim)
  at::Tensor forward(const at::Tensor& image);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  AaeEncoderConfig config_;
  torch::nn::Sequential conv_{nullptr};
  torch::nn::Linear fc_{nullptr};
  std::optional<PackedChain> chain_;
};
TORCH_MODULE(AaeEncoder);

}  // namespace eegtorch
