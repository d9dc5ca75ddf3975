// Decoder of the adversarial autoencoder on EEG images: latent vector to image (Makhzani et al. 2015, arXiv 1511.05644;
// Nasybullin and Kurkin, arXiv 2604.04313). Its sigmoid needs images scaled to [0, 1].
// Reference: test/oracle/models/eeg/aae_decoder.py.
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "blocks/packed_chain.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct AaeDecoderConfig {
  int64_t out_chans = 1;
  std::vector<int64_t> image_size = {64, 64};
  int64_t latent_dim = 144;
  int64_t width = 32;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("out_chans", out_chans, "channels of the image");
    visit("image_size", image_size, "height and width of the image in pixels, multiples of 16");
    visit("latent_dim", latent_dim, "width of the latent vector");
    visit("width", width, "filters before the last convolution; eight times as many enter the first");
  }
};

class AaeDecoderImpl : public ModelImpl {
 public:
  explicit AaeDecoderImpl(const AaeDecoderConfig& config = {});

  // latent (batch, latent_dim) -> image (batch, out_chans, height, width), in [0, 1]
  at::Tensor forward(const at::Tensor& latent);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  AaeDecoderConfig config_;
  std::vector<int64_t> grid_;  // 8 * width, height / 16, width / 16
  torch::nn::Linear fc_{nullptr};
  torch::nn::Sequential deconv_{nullptr};
  std::optional<PackedChain> chain_;
};
TORCH_MODULE(AaeDecoder);

}  // namespace eegtorch
