// EEGNet: a compact convolutional network for EEG (Lawhern et al. 2018, J. Neural Eng. 15, 056013).
// Reference: braindecode 1.8.1, braindecode.models.EEGNet; parameter names and defaults are that class's.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include "blocks/activation.h"
#include "blocks/dropout.h"
#include "blocks/max_norm.h"
#include "blocks/pooling.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct EegNetConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  double sfreq = 250;
  AutoLength final_conv_length;
  PoolMode pool_mode;
  int64_t F1 = 8;
  int64_t D = 2;
  std::optional<int64_t> F2;
  int64_t kernel_length = 64;
  int64_t depthwise_kernel_length = 16;
  int64_t pool1_kernel_size = 4;
  int64_t pool2_kernel_size = 8;
  double conv_spatial_max_norm = 1;
  ActivationName activation;
  double batch_norm_momentum = 0.01;
  bool batch_norm_affine = true;
  double batch_norm_eps = 1e-3;
  double drop_prob = 0.25;
  bool final_layer_with_constraint = false;
  double norm_rate = 0.25;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("sfreq", sfreq, "sampling rate in hertz; recorded, not used by the network");
    visit("final_conv_length", final_conv_length,
          "time steps that the classifier spans; 'auto' takes all that are left");
    visit("pool_mode", pool_mode, "pooling over time");
    visit("F1", F1, "temporal filters");
    visit("D", D, "spatial filters for each temporal filter");
    visit("F2", F2, "filters after the separable convolution; F1 * D when null");
    visit("kernel_length", kernel_length, "length of the temporal filters in samples");
    visit("depthwise_kernel_length", depthwise_kernel_length, "length of the separable convolution, in pooled samples");
    visit("pool1_kernel_size", pool1_kernel_size, "factor of the first pooling");
    visit("pool2_kernel_size", pool2_kernel_size, "factor of the second pooling");
    visit("conv_spatial_max_norm", conv_spatial_max_norm, "largest Euclidean norm of a spatial filter");
    visit("activation", activation, "nonlinearity, by its torch.nn class name");
    visit("batch_norm_momentum", batch_norm_momentum, "weight of a new batch in the running statistics");
    visit("batch_norm_affine", batch_norm_affine, "whether batch norms learn a scale and a shift");
    visit("batch_norm_eps", batch_norm_eps, "added to variances in batch norms");
    visit("drop_prob", drop_prob, "dropout probability");
    visit("final_layer_with_constraint", final_layer_with_constraint,
          "whether the classifier is a linear layer with bounded weights in place of a convolution");
    visit("norm_rate", norm_rate, "largest Euclidean norm of a class's weights, with final_layer_with_constraint");
  }
};

// The classifier under its two forms; the reference names it final_layer.
class EegNetClassifierImpl : public torch::nn::Module {
 public:
  // steps: time steps that arrive; kernel: those the classifier spans.
  EegNetClassifierImpl(const EegNetConfig& config, int64_t filters, int64_t steps, int64_t kernel);
  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d conv_classifier_{nullptr};
  MaxNormLinear linearconstraint_{nullptr};
};
TORCH_MODULE(EegNetClassifier);

class EegNetImpl : public ModelImpl {
 public:
  explicit EegNetImpl(const EegNetConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs), or (batch, n_outputs, steps) where final_conv_length
  // leaves more than one step.
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  // (batch, filters, 1, samples) -> (batch, filters, 1, samples / size)
  at::Tensor normActivatePool(const at::Tensor& x, torch::nn::BatchNorm2d& norm, Activation& activation, int64_t size);

  EegNetConfig config_;
  torch::nn::Conv2d conv_temporal_{nullptr};
  torch::nn::BatchNorm2d bnorm_temporal_{nullptr};
  MaxNormConv2d conv_spatial_{nullptr};
  torch::nn::BatchNorm2d bnorm_1_{nullptr};
  Activation elu_1_{nullptr};
  Dropout drop_1_{nullptr};
  torch::nn::Conv2d conv_separable_depth_{nullptr}, conv_separable_point_{nullptr};
  torch::nn::BatchNorm2d bnorm_2_{nullptr};
  Activation elu_2_{nullptr};
  Dropout drop_2_{nullptr};
  EegNetClassifier final_layer_{nullptr};
};
TORCH_MODULE(EegNet);

}  // namespace eegtorch
