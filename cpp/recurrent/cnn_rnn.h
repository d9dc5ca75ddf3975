// A convolution, then recurrent layers of one of three kinds, read at every step (Table 3 of the BCI Competition IV 2a
// design document). Reference: test/oracle/models/eeg/cnn_rnn.py.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <array>

#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"
#include "kernels/packed_conv1d.h"
#include "kernels/recurrent.h"

namespace eegtorch {

inline constexpr std::array kCells = {"lstm", "gru", "rnn"};
inline constexpr std::array kRnnNonlinearities = {"tanh", "relu"};

struct CnnRnnConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  OneOf<kCells> cell;
  OneOf<kRnnNonlinearities> rnn_nonlinearity;
  int64_t conv_filters = 40;
  int64_t conv_length = 20;
  int64_t conv_stride = 4;
  int64_t pool_length = 4;
  int64_t hidden_size = 64;
  int64_t n_layers = 3;
  bool bidirectional = true;
  int64_t fc_features = 64;
  double drop_prob = 0.5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("cell", cell, "kind of recurrent layer");
    visit("rnn_nonlinearity", rnn_nonlinearity, "nonlinearity of the cell 'rnn'");
    visit("conv_filters", conv_filters, "filters of the convolution");
    visit("conv_length", conv_length, "length of its filters in samples");
    visit("conv_stride", conv_stride, "samples from one of its steps to the next");
    visit("pool_length", pool_length, "steps that a maximum is taken over");
    visit("hidden_size", hidden_size, "width of each recurrent layer's state");
    visit("n_layers", n_layers, "recurrent layers");
    visit("bidirectional", bidirectional, "whether layers run backwards in time as well");
    visit("fc_features", fc_features, "width between the two linear layers");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class CnnRnnImpl : public ModelImpl {
 public:
  explicit CnnRnnImpl(const CnnRnnConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  void makeCell();
  kernels::RecurrentStack stack() const;
  // eeg (batch, n_chans, n_times) -> (steps, batch, conv_filters)
  at::Tensor convolve(const at::Tensor& eeg);
  // (steps, batch, conv_filters) -> (steps, batch, directions * hidden_size)
  at::Tensor recur(const at::Tensor& x);

  CnnRnnConfig config_;
  torch::nn::Conv1d conv_{nullptr};
  Dropout dropout_{nullptr};
  torch::nn::BatchNorm1d conv_norm_{nullptr};
  torch::nn::LSTM lstm_{nullptr};
  torch::nn::GRU gru_{nullptr};
  torch::nn::RNN rnn_{nullptr};
  torch::nn::BatchNorm1d recurrent_norm_{nullptr};
  torch::nn::Linear linear1_{nullptr}, linear2_{nullptr};
  kernels::KeptLayers kept_;
  kernels::Kept<kernels::PackedConv1d> packed_conv_;
};
TORCH_MODULE(CnnRnn);

}  // namespace eegtorch
