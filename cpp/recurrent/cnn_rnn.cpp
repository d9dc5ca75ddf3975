#include "recurrent/cnn_rnn.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "blocks/pooling.h"
#include "core/check.h"

namespace eegtorch {

namespace {

void check(const CnnRnnConfig& c) {
  const OptionCheck options("cnn_rnn");
  checkWindowOptions(options, c);
  options.size("conv_filters", c.conv_filters);
  options.size("conv_length", c.conv_length);
  options.size("conv_stride", c.conv_stride);
  options.size("pool_length", c.pool_length);
  options.size("hidden_size", c.hidden_size);
  options.size("n_layers", c.n_layers);
  options.size("fc_features", c.fc_features);
  options.fraction("drop_prob", c.drop_prob);
}

// Time steps that the recurrent layers see.
int64_t stepsLeft(const CnnRnnConfig& c) {
  const int64_t convolved = pooledLength(c.n_times, c.conv_length, c.conv_stride);
  const int64_t steps = pooledLength(convolved, c.pool_length, c.pool_length);
  OptionCheck("cnn_rnn").require(steps > 0, "n_times", "enough samples for one step after convolution and pooling",
                                 std::to_string(c.n_times));
  return steps;
}

template <class Options>
Options recurrent(const CnnRnnConfig& c) {
  return Options(c.conv_filters, c.hidden_size)
      .num_layers(c.n_layers)
      .batch_first(true)
      .bidirectional(c.bidirectional)
      .dropout(c.n_layers > 1 ? c.drop_prob : 0);
}

}  // namespace

CnnRnnImpl::CnnRnnImpl(const CnnRnnConfig& config) : config_(config) {
  check(config);
  const int64_t steps = stepsLeft(config), features = config.hidden_size * (config.bidirectional ? 2 : 1);
  conv_ = register_module(
      "conv", torch::nn::Conv1d(torch::nn::Conv1dOptions(config.n_chans, config.conv_filters, config.conv_length)
                                    .stride(config.conv_stride)));
  dropout_ = register_module("dropout", Dropout(config.drop_prob));
  conv_norm_ = register_module("conv_norm", torch::nn::BatchNorm1d(config.conv_filters));
  makeCell();
  recurrent_norm_ = register_module("recurrent_norm", torch::nn::BatchNorm1d(features));
  linear1_ = register_module("linear1", torch::nn::Linear(features * steps, config.fc_features));
  linear2_ = register_module("linear2", torch::nn::Linear(config.fc_features, config.n_outputs));
}

void CnnRnnImpl::makeCell() {
  const std::string& cell = config_.cell.value;
  if (cell == "lstm") lstm_ = register_module("recurrent", torch::nn::LSTM(recurrent<torch::nn::LSTMOptions>(config_)));
  if (cell == "gru") gru_ = register_module("recurrent", torch::nn::GRU(recurrent<torch::nn::GRUOptions>(config_)));
  if (cell != "rnn") return;
  auto options = recurrent<torch::nn::RNNOptions>(config_);
  if (config_.rnn_nonlinearity.value == "relu") options.nonlinearity(torch::kReLU);
  rnn_ = register_module("recurrent", torch::nn::RNN(options));
}

kernels::RecurrentStack CnnRnnImpl::stack() const {
  using kernels::CellKind;
  const bool relu = config_.rnn_nonlinearity.value == "relu";
  const auto kind = lstm_ ? CellKind::lstm : gru_ ? CellKind::gru : relu ? CellKind::relu : CellKind::tanh;
  const auto weights = lstm_ ? lstm_->all_weights() : gru_ ? gru_->all_weights() : rnn_->all_weights();
  return {kind, weights, config_.bidirectional, config_.drop_prob};
}

at::Tensor CnnRnnImpl::recur(const at::Tensor& x) {
  const auto layers = stack();
  if (kernels::recurrentApplies(x, layers)) return kernels::recurrent(layers, x, is_training(), kept_);
  kept_.drop();
  const auto y = x.transpose(0, 1);
  const auto run = [&](auto& cell) { return std::get<0>(cell->forward(y)).transpose(0, 1); };
  return lstm_ ? run(lstm_) : gru_ ? run(gru_) : run(rnn_);
}

at::Tensor CnnRnnImpl::convolve(const at::Tensor& eeg) {
  const int64_t pool = config_.pool_length;
  const auto conv = packed_conv_.inferring({is_training(), eeg}, {conv_->weight, conv_->bias}, [&] {
    const at::NoGradGuard no_grad;
    return kernels::PackedConv1d(conv_->weight.detach(), conv_->bias, config_.conv_stride, 0, eeg.size(2));
  });
  if (!conv) {
    const auto x = conv_norm_->forward(dropout_->forward(conv_->forward(eeg).relu()));  // (batch, conv_filters, steps)
    return at::max_pool1d(x, pool, pool).permute({2, 0, 1});
  }
  const auto x = conv->forward(kernels::ChannelsLastWindows(eeg, 0), 0, 0).inner();  // (batch, steps, conv_filters)
  const auto normed = conv_norm_->forward(x.flatten(0, 1)).view_as(x);
  return normed.narrow(1, 0, x.size(1) / pool * pool).unflatten(1, {-1, pool}).amax(2).transpose(0, 1);
}

at::Tensor CnnRnnImpl::forward(const at::Tensor& eeg) {
  checkWindows("cnn_rnn", eeg, linear2_->weight, config_);
  auto x = recur(convolve(eeg));  // (steps, batch, directions * hidden)
  // the same statistics for rows of features as for features in time, without turning the axes twice
  x = recurrent_norm_->forward(x.flatten(0, 1)).view_as(x).permute({1, 2, 0});
  return linear2_->forward(linear1_->forward(x.flatten(1)));  // (batch, n_outputs)
}

}  // namespace eegtorch
