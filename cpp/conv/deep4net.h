// Deep4Net, also DeepConvNet: four stages of convolution and pooling (Schirrmeister et al. 2017, Hum. Brain Mapp. 38,
// 5391). Reference: braindecode 1.8.1, braindecode.models.Deep4Net.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include <array>

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

inline constexpr std::array kDeep4NetPoolModes = {"max", "mean"};

struct Deep4NetConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  double sfreq = 250;
  AutoLength final_conv_length;
  int64_t n_filters_time = 25;
  int64_t n_filters_spat = 25;
  int64_t filter_time_length = 10;
  int64_t pool_time_length = 3;
  int64_t pool_time_stride = 3;
  int64_t n_filters_2 = 50;
  int64_t filter_length_2 = 10;
  int64_t n_filters_3 = 100;
  int64_t filter_length_3 = 10;
  int64_t n_filters_4 = 200;
  int64_t filter_length_4 = 10;
  ActivationName activation_first_conv_nonlin{"ELU"};
  OneOf<kDeep4NetPoolModes> first_pool_mode;
  ActivationName first_pool_nonlin{"Identity"};
  ActivationName activation_later_conv_nonlin{"ELU"};
  OneOf<kDeep4NetPoolModes> later_pool_mode;
  ActivationName later_pool_nonlin{"Identity"};
  double drop_prob = 0.5;
  bool split_first_layer = true;
  bool batch_norm = true;
  double batch_norm_alpha = 0.1;
  bool stride_before_pool = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window; a short one shrinks filters and pooling, as in the reference");
    visit("sfreq", sfreq, "sampling rate in hertz; recorded, not used by the network");
    visit("final_conv_length", final_conv_length,
          "time steps that the classifier spans; 'auto' takes all that are left");
    visit("n_filters_time", n_filters_time, "temporal filters");
    visit("n_filters_spat", n_filters_spat, "spatial filters");
    visit("filter_time_length", filter_time_length, "length of the temporal filters in samples");
    visit("pool_time_length", pool_time_length, "steps that are pooled in each stage");
    visit("pool_time_stride", pool_time_stride, "steps from one pooled value to the next");
    visit("n_filters_2", n_filters_2, "filters of the second stage");
    visit("filter_length_2", filter_length_2, "their length");
    visit("n_filters_3", n_filters_3, "filters of the third stage");
    visit("filter_length_3", filter_length_3, "their length");
    visit("n_filters_4", n_filters_4, "filters of the fourth stage");
    visit("filter_length_4", filter_length_4, "their length");
    visit("activation_first_conv_nonlin", activation_first_conv_nonlin, "nonlinearity of the first stage");
    visit("first_pool_mode", first_pool_mode, "pooling of the first stage");
    visit("first_pool_nonlin", first_pool_nonlin, "nonlinearity after the first pooling");
    visit("activation_later_conv_nonlin", activation_later_conv_nonlin, "nonlinearity of the later stages");
    visit("later_pool_mode", later_pool_mode, "pooling of the later stages");
    visit("later_pool_nonlin", later_pool_nonlin, "nonlinearity after the later poolings");
    visit("drop_prob", drop_prob, "dropout probability");
    visit("split_first_layer", split_first_layer,
          "two convolutions, temporal and spatial; the reference knows only true");
    visit("batch_norm", batch_norm, "whether a batch norm follows each stage's convolution");
    visit("batch_norm_alpha", batch_norm_alpha, "weight of a new batch in the running statistics");
    visit("stride_before_pool", stride_before_pool, "stride in the convolutions of the later stages, not in pooling");
  }
};

class Deep4NetImpl : public ModelImpl {
 public:
  explicit Deep4NetImpl(const Deep4NetConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs), or (batch, n_outputs, steps) where final_conv_length
  // leaves more than one step.
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  // One of the four; the first has no convolution of its own.
  struct Stage {
    torch::nn::Conv2d conv{nullptr};
    torch::nn::BatchNorm2d norm{nullptr};
    Activation nonlin{nullptr}, pool_nonlin{nullptr};
    bool max_pool;
  };

  void addStage(const std::string& suffix, int64_t filters, const ActivationName& nonlin, const std::string& pool_mode,
                const ActivationName& pool_nonlin);
  void addLaterStage(int64_t number, int64_t in, int64_t filters, int64_t length);
  // Batch norm, nonlinearity, pooling, nonlinearity.
  at::Tensor finish(Stage& stage, const at::Tensor& x) const;
  // All stages: (batch, n_filters_4, 1, steps)
  at::Tensor features(const at::Tensor& eeg);
  at::Tensor inferFeatures(const at::Tensor& eeg, const std::vector<PackedTimeConv>& packed);
  std::vector<PackedTimeConv> pack();

  Deep4NetConfig config_;  // lengths shrunk to the window
  CombinedConv conv_time_spat_{nullptr};
  std::vector<Stage> stages_;
  Dropout drop_{nullptr};
  TimeClassifier final_layer_{nullptr};
  std::vector<at::Tensor> tensors_;                    // before final_layer
  kernels::Kept<std::vector<PackedTimeConv>> packed_;  // one for each stage
};
TORCH_MODULE(Deep4Net);

}  // namespace eegtorch
