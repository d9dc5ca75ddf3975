// ATCNet: EEGNet's head, then for each of several shifted windows attention and a causal convolutional network (TCN);
// the windows vote (Altaheri et al. 2023, IEEE Trans. Ind. Inform. 19, 2249).
// Reference: braindecode 1.8.1, braindecode.models.ATCNet; parameter names and defaults are that class's.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>

#include "blocks/activation.h"
#include "blocks/bounded_weight.h"
#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct AtcNetConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  double sfreq = 250;
  int64_t conv_block_n_filters = 16;
  int64_t conv_block_kernel_length_1 = 64;
  int64_t conv_block_kernel_length_2 = 16;
  int64_t conv_block_pool_size_1 = 8;
  int64_t conv_block_pool_size_2 = 7;
  int64_t conv_block_depth_mult = 2;
  double conv_block_dropout = 0.3;
  int64_t n_windows = 5;
  int64_t head_dim = 8;
  int64_t num_heads = 2;
  double att_drop_prob = 0.5;
  int64_t tcn_depth = 2;
  int64_t tcn_kernel_size = 4;
  double tcn_drop_prob = 0.3;
  ActivationName tcn_activation;
  bool concat = false;
  double max_norm_const = 0.25;
  std::optional<double> conv_max_norm_const;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window; few of them shrink kernels, poolings and windows as they do there");
    visit("sfreq", sfreq, "sampling rate in hertz; recorded, not used by the network");
    visit("conv_block_n_filters", conv_block_n_filters, "temporal filters");
    visit("conv_block_kernel_length_1", conv_block_kernel_length_1, "length of the temporal filters in samples");
    visit("conv_block_kernel_length_2", conv_block_kernel_length_2, "length of the last filters, in pooled samples");
    visit("conv_block_pool_size_1", conv_block_pool_size_1, "factor of the first pooling");
    visit("conv_block_pool_size_2", conv_block_pool_size_2, "factor of the second pooling");
    visit("conv_block_depth_mult", conv_block_depth_mult, "spatial filters for each temporal filter");
    visit("conv_block_dropout", conv_block_dropout, "dropout probability of whole filters after each pooling");
    visit("n_windows", n_windows, "windows, each one pooled step later than the one before");
    visit("head_dim", head_dim, "width of an attention head");
    visit("num_heads", num_heads, "attention heads");
    visit("att_drop_prob", att_drop_prob, "dropout probability after attention; a second one of 0.3 is fixed");
    visit("tcn_depth", tcn_depth, "residual blocks of a TCN, each with twice the dilation of the one before");
    visit("tcn_kernel_size", tcn_kernel_size, "length of a TCN's filters, in pooled samples");
    visit("tcn_drop_prob", tcn_drop_prob, "dropout probability in a TCN");
    visit("tcn_activation", tcn_activation, "nonlinearity of a TCN, by its torch.nn class name");
    visit("concat", concat, "whether one classifier sees all windows; as in the reference, for a single window only");
    visit("max_norm_const", max_norm_const, "largest norm of the classifiers' columns");
    visit("conv_max_norm_const", conv_max_norm_const, "largest norm of a convolution's filter; null: unbounded");
  }
};

// EEGNet's head with a full convolution at its end.
class AtcNetStemImpl : public torch::nn::Module {
 public:
  explicit AtcNetStemImpl(const AtcNetConfig& config);
  // (batch, n_chans, n_times) -> (batch, filters * depth, 1, n_times / pool_1 / pool_2)
  at::Tensor forward(const at::Tensor& eeg);
  const at::Tensor& parameter() const { return bn1_->weight; }

 private:
  int64_t kernel_length_, pool_1_, pool_2_;
  BoundedWeight conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, bn3_{nullptr};
  ChannelDropout drop2_{nullptr}, drop3_{nullptr};
};
TORCH_MODULE(AtcNetStem);

class AtcNetImpl : public ModelImpl {
 public:
  explicit AtcNetImpl(const AtcNetConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  AtcNetConfig config_;  // after shrinking
  AtcNetStem conv_block_{nullptr};
  torch::nn::ModuleList attention_blocks_{nullptr}, temporal_conv_nets_{nullptr}, final_layer_{nullptr};
};
TORCH_MODULE(AtcNet);

}  // namespace eegtorch
