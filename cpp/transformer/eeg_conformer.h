// EEG Conformer: the head of ShallowFBCSPNet, a transformer encoder over its pooled steps, a classifier (Song et al.
// 2023, IEEE Trans. Neural Syst. Rehabil. Eng. 31, 710). Reference: braindecode 1.8.1, braindecode.models.EEGConformer.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "blocks/activation.h"
#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct EegConformerConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  double sfreq = 250;
  int64_t n_filters_time = 40;
  int64_t filter_time_length = 25;
  int64_t pool_time_length = 75;
  int64_t pool_time_stride = 15;
  double drop_prob = 0.5;
  int64_t num_layers = 6;
  int64_t num_heads = 10;
  double att_drop_prob = 0.5;
  AutoLength final_fc_length;
  bool return_features = false;
  ActivationName activation;
  ActivationName activation_transfor{"GELU"};

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("sfreq", sfreq, "sampling rate in hertz; recorded, not used by the network");
    visit("n_filters_time", n_filters_time, "temporal and spatial filters, and the width of a token");
    visit("filter_time_length", filter_time_length, "length of the temporal filters in samples");
    visit("pool_time_length", pool_time_length, "samples that are pooled into a token");
    visit("pool_time_stride", pool_time_stride, "samples from one token to the next");
    visit("drop_prob", drop_prob, "dropout probability of tokens; the classifier's are 0.5 and 0.3");
    visit("num_layers", num_layers, "encoder layers");
    visit("num_heads", num_heads, "attention heads, a divisor of n_filters_time");
    visit("att_drop_prob", att_drop_prob, "dropout probability in the encoder");
    visit("final_fc_length", final_fc_length, "numbers that reach the classifier; 'auto' counts them");
    visit("return_features", return_features,
          "whether features, the tokens after the encoder, come out in place of logits");
    visit("activation", activation, "nonlinearity of the head and the classifier, by its torch.nn class name");
    visit("activation_transfor", activation_transfor, "nonlinearity of the encoder");
  }

  std::vector<std::string> outputs() const { return {return_features ? "features" : "logits"}; }
};

// The tokens: two convolutions composed, batch norm, nonlinearity, pooling, a projection.
class ConformerPatchesImpl : public torch::nn::Module {
 public:
  explicit ConformerPatchesImpl(const EegConformerConfig& config);
  at::Tensor forward(const at::Tensor& eeg);  // (batch, n_chans, n_times) -> (batch, tokens, n_filters_time)

 private:
  int64_t pool_length_, pool_stride_;
  torch::nn::Conv2d temporal_{nullptr}, spatial_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
  Activation activation_{nullptr};
  Dropout drop_{nullptr};
  torch::nn::Conv2d projection_{nullptr};
};
TORCH_MODULE(ConformerPatches);

class EegConformerImpl : public ModelImpl {
 public:
  explicit EegConformerImpl(const EegConformerConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs), or features (batch, tokens, n_filters_time)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  EegConformerConfig config_;
  ConformerPatches patch_embedding_{nullptr};
  torch::nn::Sequential transformer_{nullptr}, fc_{nullptr};
  torch::nn::Linear final_layer_{nullptr};
};
TORCH_MODULE(EegConformer);

}  // namespace eegtorch
