#include "recurrent/lstm_eeg.h"

#include "core/check.h"
#include "kernels/dropout.h"
#include "kernels/lstm.h"

namespace eegtorch {

namespace {

void check(const LstmEegConfig& c) {
  const OptionCheck options("lstm_eeg");
  options.size("n_chans", c.n_chans);
  options.size("n_outputs", c.n_outputs);
  options.size("n_times", c.n_times);
  options.size("hidden_size", c.hidden_size);
  options.size("n_layers", c.n_layers);
  options.fraction("drop_prob", c.drop_prob);
}

}  // namespace

LstmEegImpl::LstmEegImpl(const LstmEegConfig& config) : config_(config) {
  check(config);
  lstm_ = register_module("lstm", torch::nn::LSTM(torch::nn::LSTMOptions(config.n_chans, config.hidden_size)
                                                      .num_layers(config.n_layers)
                                                      .batch_first(true)
                                                      .dropout(config.n_layers > 1 ? config.drop_prob : 0)));
  fc_ = register_module("fc", torch::nn::Linear(config.hidden_size, config.n_outputs));
}

at::Tensor LstmEegImpl::lastState(const at::Tensor& eeg) {
  const auto w = lstm_->all_weights();
  const auto layer = [&](int64_t i) {
    return kernels::LstmWeights{w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]};
  };
  if (!kernels::lstmApplies(eeg, layer(0))) return std::get<0>(lstm_->forward(eeg.transpose(1, 2))).select(1, -1);
  auto x = kernels::lstmLayer(eeg.permute({2, 0, 1}), layer(0));  // (samples, batch, hidden)
  for (int64_t i = 1; i < config_.n_layers; i++)
    x = kernels::lstmLayer(kernels::dropout(x, config_.drop_prob, is_training()), layer(i));
  return x.select(0, -1);
}

at::Tensor LstmEegImpl::forward(const at::Tensor& eeg) {
  checkInput("lstm_eeg", eeg, fc_->weight, {"batch", {config_.n_chans, "channels"}, {config_.n_times, "samples"}});
  return fc_->forward(lastState(eeg));  // (batch, n_outputs)
}

}  // namespace eegtorch
