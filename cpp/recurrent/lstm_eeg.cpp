#include "recurrent/lstm_eeg.h"

#include "blocks/eeg_window.h"
#include "core/check.h"

namespace eegtorch {

namespace {

void check(const LstmEegConfig& c) {
  const OptionCheck options("lstm_eeg");
  checkWindowOptions(options, c);
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
  const kernels::RecurrentStack stack(kernels::CellKind::lstm, lstm_->all_weights(), false, config_.drop_prob);
  if (kernels::recurrentApplies(eeg, stack))
    return kernels::recurrent(stack, eeg.permute({2, 0, 1}), is_training(), kept_)
        .select(0, -1);  // of (samples, batch, hidden)
  kept_.drop();
  return std::get<0>(lstm_->forward(eeg.transpose(1, 2))).select(1, -1);
}

at::Tensor LstmEegImpl::forward(const at::Tensor& eeg) {
  checkWindows("lstm_eeg", eeg, fc_->weight, config_);
  return fc_->forward(lastState(eeg));  // (batch, n_outputs)
}

}  // namespace eegtorch
