// EEG encoder of the structure-guided diffusion model (design document sgdm; cf. arXiv 2604.22649): two temporal
// convolutions, pooling to a fixed number of steps, self-attention over them, two linear layers. Reference:
// test/oracle/models/eeg/sgdm_eeg_encoder.py.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <optional>

#include "blocks/attention.h"
#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"

namespace eegtorch {

struct SgdmEegEncoderConfig {
  int64_t n_chans = 64;
  int64_t n_times = 512;
  int64_t latent_dim = 512;
  std::vector<int64_t> conv_filters = {128, 256};
  std::vector<int64_t> conv_lengths = {7, 5};
  int64_t pooled_length = 128;
  int64_t n_heads = 8;
  int64_t hidden_dim = 1024;
  double drop_prob = 0.3;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_times", n_times, "samples in a window");
    visit("latent_dim", latent_dim, "width of the latent vector");
    visit("conv_filters", conv_filters, "filters of the two convolutions; n_heads divides the second");
    visit("conv_lengths", conv_lengths, "lengths of their filters in samples, odd");
    visit("pooled_length", pooled_length, "time steps after pooling");
    visit("n_heads", n_heads, "attention heads");
    visit("hidden_dim", hidden_dim, "width between the two linear layers");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

struct PackedTemporalConv;

class SgdmEegEncoderImpl : public ModelImpl {
 public:
  explicit SgdmEegEncoderImpl(const SgdmEegEncoderConfig& config = {});

  // eeg (batch, n_chans, n_times) -> latent (batch, latent_dim)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  PackedTemporalConv pack();
  // eeg -> (batch, pooled_length, filters)
  at::Tensor pooledSteps(const at::Tensor& eeg);

  SgdmEegEncoderConfig config_;
  torch::nn::Conv1d conv1_{nullptr}, conv2_{nullptr};
  torch::nn::BatchNorm1d norm1_{nullptr}, norm2_{nullptr};
  std::vector<at::Tensor> tensors_;  // of these, in inference
  kernels::Kept<PackedTemporalConv> packed_;
  MultiheadAttention temporal_attn_{nullptr};
  std::optional<PackedLinear> hidden_, latent_;
  Dropout dropout_{nullptr};
};
TORCH_MODULE(SgdmEegEncoder);

}  // namespace eegtorch
