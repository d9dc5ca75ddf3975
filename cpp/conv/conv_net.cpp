#include "conv/conv_net.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "blocks/floating_tensors.h"
#include "blocks/pooling.h"
#include "core/check.h"
#include "kernels/elu_pool.h"
#include "kernels/filter_mix.h"

namespace eegtorch {

namespace {

void check(const ConvNetConfig& c) {
  const OptionCheck options("conv_net");
  checkWindowOptions(options, c);
  options.sizes("n_filters", c.n_filters);
  options.size("kernel_length", c.kernel_length);
  options.size("pool_length", c.pool_length);
  options.size("pool_stride", c.pool_stride);
  options.fraction("drop_prob", c.drop_prob);
}

// Time steps that reach the classifier: each of the n_filters stages convolves without padding, then pools.
int64_t stepsLeft(const ConvNetConfig& c) {
  int64_t steps = c.n_times;
  for (size_t stage = 0; stage < c.n_filters.size(); stage++)
    steps = pooledLength(steps - c.kernel_length + 1, c.pool_length, c.pool_stride);
  OptionCheck("conv_net")
      .require(steps > 0, "n_times",
               "enough samples for one step after " + std::to_string(c.n_filters.size()) + " convolutions and poolings",
               std::to_string(c.n_times));
  return steps;
}

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t rows, int64_t columns) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, {rows, columns}));
}

}  // namespace

ConvNetBlockImpl::ConvNetBlockImpl(int64_t in, int64_t out, int64_t kernel_length) {
  conv_ = register_module("conv", conv(in, out, 1, kernel_length));
  norm_ = register_module("norm", torch::nn::BatchNorm2d(out));
}

at::Tensor ConvNetBlockImpl::forward(const at::Tensor& x, int64_t pool_length, int64_t pool_stride) {
  return kernels::batchNormEluPool(conv_->forward(x), *norm_, {pool_length, pool_stride, true});
}

ConvNetImpl::ConvNetImpl(const ConvNetConfig& config) : config_(config) {
  check(config);
  const int64_t steps = stepsLeft(config);
  const int64_t first = config.n_filters.front();

  temporal_conv_ = register_module("temporal_conv", conv(1, first, 1, config.kernel_length));
  temporal_norm_ = register_module("temporal_norm", torch::nn::BatchNorm2d(first));
  spatial_conv_ = register_module("spatial_conv", conv(first, first, config.n_chans, 1));
  spatial_norm_ = register_module("spatial_norm", torch::nn::BatchNorm2d(first));
  dropout_ = register_module("dropout", Dropout(config.drop_prob));
  blocks_ = register_module("blocks", torch::nn::ModuleList());
  for (size_t i = 1; i < config.n_filters.size(); i++)
    blocks_->push_back(ConvNetBlock(config.n_filters[i - 1], config.n_filters[i], config.kernel_length));
  block_tensors_ = floatingTensors(*blocks_);
  classifier_ = register_module("classifier", torch::nn::Linear(config.n_filters.back() * steps, config.n_outputs));
}

at::Tensor ConvNetImpl::head(const at::Tensor& eeg) {
  const kernels::FilterMixWeights weights{temporal_conv_->weight, temporal_conv_->bias, spatial_conv_->weight,
                                          spatial_conv_->bias};
  const auto x = kernels::filterMix(eeg, weights, *temporal_norm_);  // (batch, F, 1, samples)
  return kernels::batchNormEluPool(x, *spatial_norm_, {config_.pool_length, config_.pool_stride, true});
}

at::Tensor ConvNetImpl::inferNarrow(at::Tensor x, const std::vector<PackedTimeConv>& packed) const {
  // ELU never falls: of the values that are pooled the largest is enough.
  for (const auto& conv : packed) x = kernels::elu(conv.forwardLargest(x, config_.pool_length, config_.pool_stride));
  return x;
}

at::Tensor ConvNetImpl::narrow(const at::Tensor& first) {
  const auto packed = packed_blocks_.inferring({is_training(), first}, block_tensors_, [this] {
    const at::NoGradGuard no_grad;
    std::vector<PackedTimeConv> convs;
    for (const auto& block : *blocks_) convs.push_back(block->as<ConvNetBlock>()->pack());
    return convs;
  });
  if (packed) return inferNarrow(first, *packed);
  auto x = dropout_->forward(first);
  for (const auto& block : *blocks_)
    x = dropout_->forward(block->as<ConvNetBlock>()->forward(x, config_.pool_length, config_.pool_stride));
  return x;
}

at::Tensor ConvNetImpl::forward(const at::Tensor& eeg) {
  checkWindows("conv_net", eeg, classifier_->weight, config_);
  return classifier_->forward(narrow(head(eeg)).flatten(1));  // (batch, n_outputs)
}

}  // namespace eegtorch
