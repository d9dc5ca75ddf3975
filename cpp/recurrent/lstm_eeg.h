// A stacked LSTM over the samples of a window, read at its last one (Hochreiter and Schmidhuber 1997, Neural Comput. 9,
// 1735). Reference: test/oracle/models/eeg/lstm_eeg.py.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include "core/config.h"
#include "core/model.h"
#include "kernels/recurrent.h"

namespace eegtorch {

struct LstmEegConfig {
  int64_t n_chans = 64;
  int64_t n_outputs = 4;
  int64_t n_times = 128;
  int64_t hidden_size = 128;
  int64_t n_layers = 2;
  double drop_prob = 0.3;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("hidden_size", hidden_size, "width of each layer's state");
    visit("n_layers", n_layers, "layers");
    visit("drop_prob", drop_prob, "dropout probability between layers");
  }
};

class LstmEegImpl : public ModelImpl {
 public:
  explicit LstmEegImpl(const LstmEegConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  // The last layer's state after the last sample: (batch, hidden).
  at::Tensor lastState(const at::Tensor& eeg);

  LstmEegConfig config_;
  torch::nn::LSTM lstm_{nullptr};
  torch::nn::Linear fc_{nullptr};
  kernels::KeptLayers kept_;
};
TORCH_MODULE(LstmEeg);

}  // namespace eegtorch
