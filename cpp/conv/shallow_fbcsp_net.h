// ShallowFBCSPNet: temporal and spatial convolution, then the logarithm of band power (Schirrmeister et al. 2017, Hum.
// Brain Mapp. 38, 5391). Reference: braindecode 1.8.1, braindecode.models.ShallowFBCSPNet.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include "blocks/activation.h"
#include "blocks/combined_conv.h"
#include "blocks/dropout.h"
#include "blocks/packed_time_conv.h"
#include "blocks/pooling.h"
#include "blocks/time_classifier.h"
#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"

namespace eegtorch {

struct ShallowFbcspNetConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  double sfreq = 250;
  int64_t n_filters_time = 40;
  int64_t filter_time_length = 25;
  int64_t n_filters_spat = 40;
  int64_t pool_time_length = 75;
  int64_t pool_time_stride = 15;
  AutoLength final_conv_length;
  ActivationName conv_nonlin{"Square"};
  PoolMode pool_mode;
  ActivationName activation_pool_nonlin{"SafeLog"};
  bool split_first_layer = true;
  bool batch_norm = true;
  double batch_norm_alpha = 0.1;
  double drop_prob = 0.5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("sfreq", sfreq, "sampling rate in hertz; recorded, not used by the network");
    visit("n_filters_time", n_filters_time, "temporal filters");
    visit("filter_time_length", filter_time_length, "length of the temporal filters in samples");
    visit("n_filters_spat", n_filters_spat, "spatial filters");
    visit("pool_time_length", pool_time_length, "samples that are pooled");
    visit("pool_time_stride", pool_time_stride, "samples from one pooled value to the next");
    visit("final_conv_length", final_conv_length,
          "time steps that the classifier spans; 'auto' takes all that are left");
    visit("conv_nonlin", conv_nonlin, "nonlinearity after the convolutions, by its class name");
    visit("pool_mode", pool_mode, "pooling over time");
    visit("activation_pool_nonlin", activation_pool_nonlin, "nonlinearity after pooling");
    visit("split_first_layer", split_first_layer,
          "two convolutions, temporal and spatial; the reference knows only true");
    visit("batch_norm", batch_norm, "whether a batch norm follows the convolutions");
    visit("batch_norm_alpha", batch_norm_alpha, "weight of a new batch in the running statistics");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class ShallowFbcspNetImpl : public ModelImpl {
 public:
  explicit ShallowFbcspNetImpl(const ShallowFbcspNetConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs), or (batch, n_outputs, steps) where final_conv_length
  // leaves more than one step.
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  // Convolutions and norm: (batch, n_filters_spat, 1, samples)
  at::Tensor filter(const at::Tensor& eeg);

  ShallowFbcspNetConfig config_;
  CombinedConv conv_time_spat_{nullptr};
  torch::nn::BatchNorm2d bnorm_{nullptr};
  Activation conv_nonlin_{nullptr}, pool_nonlin_{nullptr};
  Dropout drop_{nullptr};
  TimeClassifier final_layer_{nullptr};
  std::vector<at::Tensor> tensors_;  // of convolutions and norm
  kernels::Kept<PackedTimeConv> packed_;
};
TORCH_MODULE(ShallowFbcspNet);

}  // namespace eegtorch
