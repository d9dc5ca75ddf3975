#include "conv/shallow_fbcsp_net.h"

#include "blocks/eeg_window.h"
#include "blocks/floating_tensors.h"
#include "conv/braindecode_names.h"
#include "core/check.h"

namespace eegtorch {

namespace {

void check(const ShallowFbcspNetConfig& c) {
  const OptionCheck options("shallow_fbcsp_net");
  checkWindowOptions(options, c);
  options.size("n_filters_time", c.n_filters_time);
  options.size("filter_time_length", c.filter_time_length);
  options.size("n_filters_spat", c.n_filters_spat);
  options.size("pool_time_length", c.pool_time_length);
  options.size("pool_time_stride", c.pool_time_stride);
  options.require(c.split_first_layer, "split_first_layer", "true", "false");
  options.fraction("batch_norm_alpha", c.batch_norm_alpha);
  options.fraction("drop_prob", c.drop_prob);
}

}  // namespace

ShallowFbcspNetImpl::ShallowFbcspNetImpl(const ShallowFbcspNetConfig& config) : config_(config) {
  check(config);
  const int64_t steps =
      pooledLength(config.n_times - config.filter_time_length + 1, config.pool_time_length, config.pool_time_stride);
  OptionCheck("shallow_fbcsp_net")
      .require(steps > 0, "n_times", "enough samples for one step after convolution and pooling",
               std::to_string(config.n_times));
  conv_time_spat_ =
      register_module("conv_time_spat", CombinedConv(config.n_chans, config.n_filters_time, config.filter_time_length,
                                                     config.n_filters_spat, !config.batch_norm));
  if (config.batch_norm)
    bnorm_ = register_module(
        "bnorm",
        torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(config.n_filters_spat).momentum(config.batch_norm_alpha)));
  tensors_ = floatingTensors(*this);
  conv_nonlin_ = register_module("conv_nonlin_exp", Activation(config.conv_nonlin));
  pool_nonlin_ = register_module("pool_nonlin_exp", Activation(config.activation_pool_nonlin));
  drop_ = register_module("drop", Dropout(config.drop_prob));
  final_layer_ = register_module("final_layer", TimeClassifier("shallow_fbcsp_net", config.n_filters_spat,
                                                               config.n_outputs, steps, config.final_conv_length));
}

std::unordered_map<std::string, std::string> ShallowFbcspNetImpl::olderNames() const { return braindecodeOlderNames(); }

at::Tensor ShallowFbcspNetImpl::filter(const at::Tensor& eeg) {
  const auto packed = packed_.inferring({is_training(), eeg}, tensors_, [&] {
    const at::NoGradGuard no_grad;
    const auto [weight, bias] = conv_time_spat_->composed();
    return PackedTimeConv(weight, bias, bnorm_);
  });
  if (packed) return packed->forward(eeg);
  const auto x = conv_time_spat_->forward(eeg);
  return bnorm_ ? bnorm_->forward(x) : x;
}

at::Tensor ShallowFbcspNetImpl::forward(const at::Tensor& eeg) {
  checkWindows("shallow_fbcsp_net", eeg, final_layer_->weight(), config_);
  auto x = conv_nonlin_->forward(filter(eeg));  // (batch, n_filters_spat, 1, samples)
  x = poolTime(x, config_.pool_mode, config_.pool_time_length, config_.pool_time_stride);
  return final_layer_->forward(drop_->forward(pool_nonlin_->forward(x)));
}

}  // namespace eegtorch
