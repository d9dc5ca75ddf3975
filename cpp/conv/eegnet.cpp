#include "conv/eegnet.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include "blocks/eeg_window.h"
#include "core/check.h"
#include "kernels/elu_pool.h"
#include "kernels/filter_bank.h"

namespace eegtorch {

namespace {

void check(const EegNetConfig& c) {
  const OptionCheck options("eegnet");
  checkWindowOptions(options, c);
  options.size("F1", c.F1);
  options.size("D", c.D);
  if (c.F2) options.size("F2", *c.F2);
  options.size("kernel_length", c.kernel_length);
  options.size("depthwise_kernel_length", c.depthwise_kernel_length);
  options.size("pool1_kernel_size", c.pool1_kernel_size);
  options.size("pool2_kernel_size", c.pool2_kernel_size);
  options.positive("conv_spatial_max_norm", c.conv_spatial_max_norm);
  options.fraction("batch_norm_momentum", c.batch_norm_momentum);
  options.positive("batch_norm_eps", c.batch_norm_eps);
  options.fraction("drop_prob", c.drop_prob);
  options.positive("norm_rate", c.norm_rate);
}

// Samples after a convolution padded by half its length on both sides: one more when the length is even.
int64_t padded(int64_t samples, int64_t kernel) { return samples + 2 * (kernel / 2) - kernel + 1; }

// Time steps that reach the classifier.
int64_t stepsLeft(const EegNetConfig& c) {
  const int64_t pooled = padded(c.n_times, c.kernel_length) / c.pool1_kernel_size;
  const int64_t steps = pooled == 0 ? 0 : padded(pooled, c.depthwise_kernel_length) / c.pool2_kernel_size;
  OptionCheck("eegnet").require(steps > 0, "n_times", "enough samples for one step after both poolings",
                                std::to_string(c.n_times));
  return steps;
}

int64_t classifierLength(const EegNetConfig& c, int64_t steps) {
  if (!c.final_conv_length.value) return steps;
  const int64_t length = *c.final_conv_length.value;
  const bool fits = c.final_layer_with_constraint ? length == steps : length >= 1 && length <= steps;
  OptionCheck("eegnet").require(fits, "final_conv_length",
                                c.final_layer_with_constraint ? std::to_string(steps) : "1 to " + std::to_string(steps),
                                std::to_string(length));
  return length;
}

torch::nn::Conv2dOptions timeConv(int64_t in, int64_t out, int64_t length) {
  return torch::nn::Conv2dOptions(in, out, {1, length}).padding({0, length / 2}).bias(false);
}

torch::nn::BatchNorm2dOptions norm(const EegNetConfig& c, int64_t filters) {
  return torch::nn::BatchNorm2dOptions(filters)
      .momentum(c.batch_norm_momentum)
      .affine(c.batch_norm_affine)
      .eps(c.batch_norm_eps);
}

}  // namespace

EegNetClassifierImpl::EegNetClassifierImpl(const EegNetConfig& config, int64_t filters, int64_t steps, int64_t kernel) {
  at::Tensor bias;
  if (config.final_layer_with_constraint) {
    linearconstraint_ =
        register_module("linearconstraint", MaxNormLinear(filters * steps, config.n_outputs, config.norm_rate));
    bias = linearconstraint_->bias();
  } else {
    conv_classifier_ = register_module(
        "conv_classifier", torch::nn::Conv2d(torch::nn::Conv2dOptions(filters, config.n_outputs, {1, kernel})));
    bias = conv_classifier_->bias;
  }
  torch::nn::init::zeros_(bias);
}

at::Tensor EegNetClassifierImpl::forward(const at::Tensor& x) {            // (batch, filters, 1, steps)
  if (linearconstraint_) return linearconstraint_->forward(x.flatten(1));  // (batch, n_outputs)
  const auto logits = conv_classifier_->forward(x).squeeze(2);             // (batch, n_outputs, steps - kernel + 1)
  return logits.size(2) == 1 ? logits.squeeze(2) : logits;
}

EegNetImpl::EegNetImpl(const EegNetConfig& config) : config_(config) {
  check(config);
  const int64_t steps = stepsLeft(config);
  const int64_t kernel = classifierLength(config, steps);
  const int64_t spatial = config.F1 * config.D;
  const int64_t filters = config.F2.value_or(spatial);

  conv_temporal_ = register_module("conv_temporal", torch::nn::Conv2d(timeConv(1, config.F1, config.kernel_length)));
  bnorm_temporal_ = register_module("bnorm_temporal", torch::nn::BatchNorm2d(norm(config, config.F1)));
  conv_spatial_ = register_module(
      "conv_spatial",
      MaxNormConv2d(torch::nn::Conv2dOptions(config.F1, spatial, {config.n_chans, 1}).groups(config.F1).bias(false),
                    config.conv_spatial_max_norm));
  bnorm_1_ = register_module("bnorm_1", torch::nn::BatchNorm2d(norm(config, spatial)));
  elu_1_ = register_module("elu_1", Activation(config.activation));
  drop_1_ = register_module("drop_1", Dropout(config.drop_prob));
  conv_separable_depth_ =
      register_module("conv_separable_depth",
                      torch::nn::Conv2d(timeConv(spatial, spatial, config.depthwise_kernel_length).groups(spatial)));
  conv_separable_point_ = register_module("conv_separable_point",
                                          torch::nn::Conv2d(torch::nn::Conv2dOptions(spatial, filters, 1).bias(false)));
  bnorm_2_ = register_module("bnorm_2", torch::nn::BatchNorm2d(norm(config, filters)));
  elu_2_ = register_module("elu_2", Activation(config.activation));
  drop_2_ = register_module("drop_2", Dropout(config.drop_prob));
  final_layer_ = register_module("final_layer", EegNetClassifier(config, filters, steps, kernel));
}

// braindecode before 1.0 had no final_layer and constrained the weights in place.
std::unordered_map<std::string, std::string> EegNetImpl::olderNames() const {
  return {
      {"conv_classifier.weight", "final_layer.conv_classifier.weight"},
      {"conv_classifier.bias", "final_layer.conv_classifier.bias"},
      {"conv_spatial.weight", "conv_spatial.parametrizations.weight.original"},
  };
}

at::Tensor EegNetImpl::normActivatePool(const at::Tensor& x, torch::nn::BatchNorm2d& norm, Activation& activation,
                                        int64_t size) {
  if (activation->name() == "ELU")
    return kernels::batchNormEluPool(x, *norm, {size, size, config_.pool_mode.value == "max"});
  return poolTime(activation->forward(norm->forward(x)), config_.pool_mode, size, size);
}

at::Tensor EegNetImpl::forward(const at::Tensor& eeg) {
  checkWindows("eegnet", eeg, conv_temporal_->weight, config_);
  // Temporal convolution, batch norm, spatial convolution: (batch, F1 * D, 1, samples)
  const auto head = elu_1_->name() == "SafeLog" ? kernels::plainFilterBank : kernels::filterBank;
  auto x = head(eeg, conv_temporal_->weight, *bnorm_temporal_, conv_spatial_->weight(), config_.kernel_length / 2);
  x = drop_1_->forward(normActivatePool(x, bnorm_1_, elu_1_, config_.pool1_kernel_size));  // (.., samples / pool1)
  x = conv_separable_point_->forward(conv_separable_depth_->forward(x));  // (batch, F2, 1, samples / pool1)
  x = drop_2_->forward(normActivatePool(x, bnorm_2_, elu_2_, config_.pool2_kernel_size));  // (batch, F2, 1, steps)
  return final_layer_->forward(x);
}

}  // namespace eegtorch
