#include "conv/deep4net.h"

#include "blocks/eeg_window.h"
#include "blocks/floating_tensors.h"
#include "conv/braindecode_names.h"
#include "core/check.h"
#include "kernels/elu_pool.h"

namespace eegtorch {

namespace {

void check(const Deep4NetConfig& c) {
  const OptionCheck options("deep4net");
  checkWindowOptions(options, c);
  options.size("n_filters_time", c.n_filters_time);
  options.size("n_filters_spat", c.n_filters_spat);
  options.size("filter_time_length", c.filter_time_length);
  options.size("pool_time_length", c.pool_time_length);
  options.size("pool_time_stride", c.pool_time_stride);
  options.size("n_filters_2", c.n_filters_2);
  options.size("filter_length_2", c.filter_length_2);
  options.size("n_filters_3", c.n_filters_3);
  options.size("filter_length_3", c.filter_length_3);
  options.size("n_filters_4", c.n_filters_4);
  options.size("filter_length_4", c.filter_length_4);
  options.fraction("drop_prob", c.drop_prob);
  options.require(c.split_first_layer, "split_first_layer", "true", "false");
  options.fraction("batch_norm_alpha", c.batch_norm_alpha);
}

std::array<int64_t*, 3> laterLengths(Deep4NetConfig& c) {
  return {&c.filter_length_2, &c.filter_length_3, &c.filter_length_4};
}

// Samples that leave one step at the end, with all strides in the poolings.
int64_t shortestWindow(Deep4NetConfig c) {
  int64_t samples = 1;
  for (const int64_t length : {c.filter_length_4, c.filter_length_3, c.filter_length_2, c.filter_time_length})
    samples = c.pool_time_stride * (samples - 1) + c.pool_time_length + length - 1;
  return samples;
}

// The reference shrinks later filters and poolings in proportion where the window is too short; not the temporal
// filters.
Deep4NetConfig fitted(Deep4NetConfig c) {
  const int64_t needed = shortestWindow(c);
  if (c.n_times >= needed) return c;
  const double factor = static_cast<double>(c.n_times) / static_cast<double>(needed);
  const auto shrink = [&](int64_t& length) {
    length = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(length) * factor));
  };
  shrink(c.pool_time_length);
  shrink(c.pool_time_stride);
  for (int64_t* length : laterLengths(c)) shrink(*length);
  return c;
}

int64_t convStride(const Deep4NetConfig& c) { return c.stride_before_pool ? c.pool_time_stride : 1; }
int64_t poolStride(const Deep4NetConfig& c) { return c.stride_before_pool ? 1 : c.pool_time_stride; }

// Time steps that reach the classifier. The first convolution takes no stride, as in the reference.
int64_t stepsLeft(Deep4NetConfig c) {
  int64_t steps = pooledLength(c.n_times - c.filter_time_length + 1, c.pool_time_length, poolStride(c));
  for (const int64_t* length : laterLengths(c))
    steps = pooledLength(pooledLength(steps, *length, convStride(c)), c.pool_time_length, poolStride(c));
  OptionCheck("deep4net")
      .require(steps > 0, "n_times", "enough samples for one step after four stages", std::to_string(c.n_times));
  return steps;
}

}  // namespace

Deep4NetImpl::Deep4NetImpl(const Deep4NetConfig& config) {
  check(config);
  config_ = fitted(config);
  const auto& c = config_;
  const int64_t steps = stepsLeft(c);
  conv_time_spat_ = register_module("conv_time_spat", CombinedConv(c.n_chans, c.n_filters_time, c.filter_time_length,
                                                                   c.n_filters_spat, !c.batch_norm));
  drop_ = register_module("drop", Dropout(c.drop_prob));
  addStage("", c.n_filters_spat, c.activation_first_conv_nonlin, c.first_pool_mode.value, c.first_pool_nonlin);
  addLaterStage(2, c.n_filters_spat, c.n_filters_2, c.filter_length_2);
  addLaterStage(3, c.n_filters_2, c.n_filters_3, c.filter_length_3);
  addLaterStage(4, c.n_filters_3, c.n_filters_4, c.filter_length_4);
  tensors_ = floatingTensors(*this);
  final_layer_ = register_module("final_layer",
                                 TimeClassifier("deep4net", c.n_filters_4, c.n_outputs, steps, c.final_conv_length));
}

void Deep4NetImpl::addStage(const std::string& suffix, int64_t filters, const ActivationName& nonlin,
                            const std::string& pool_mode, const ActivationName& pool_nonlin) {
  auto& stage = stages_.emplace_back();
  if (config_.batch_norm)
    stage.norm = register_module(
        "bnorm" + suffix,
        torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(filters).momentum(config_.batch_norm_alpha)));
  stage.nonlin = register_module(suffix.empty() ? "conv_nonlin" : "nonlin" + suffix, Activation(nonlin));
  stage.pool_nonlin = register_module("pool_nonlin" + suffix, Activation(pool_nonlin));
  stage.max_pool = pool_mode == "max";
}

void Deep4NetImpl::addLaterStage(int64_t number, int64_t in, int64_t filters, int64_t length) {
  const std::string suffix = "_" + std::to_string(number);
  auto conv = register_module(
      "conv" + suffix, torch::nn::Conv2d(torch::nn::Conv2dOptions(in, filters, {length, 1}).bias(!config_.batch_norm)));
  initialiseXavier(conv);
  addStage(suffix, filters, config_.activation_later_conv_nonlin, config_.later_pool_mode.value,
           config_.later_pool_nonlin);
  stages_.back().conv = conv;
}

std::unordered_map<std::string, std::string> Deep4NetImpl::olderNames() const { return braindecodeOlderNames(); }

at::Tensor Deep4NetImpl::finish(Stage& stage, const at::Tensor& x) const {
  const int64_t length = config_.pool_time_length, stride = poolStride(config_);
  if (stage.norm && stage.nonlin->name() == "ELU")
    return stage.pool_nonlin->forward(kernels::batchNormEluPool(x, *stage.norm, {length, stride, stage.max_pool}));
  const auto y = stage.nonlin->forward(stage.norm ? stage.norm->forward(x) : x);
  return stage.pool_nonlin->forward(poolTime(y, {stage.max_pool ? "max" : "mean"}, length, stride));
}

std::vector<PackedTimeConv> Deep4NetImpl::pack() {
  const at::NoGradGuard no_grad;
  const auto [weight, bias] = conv_time_spat_->composed();
  std::vector<PackedTimeConv> packed{{weight, bias, stages_[0].norm}};
  for (size_t i = 1; i < stages_.size(); i++) {
    auto& [conv, norm, nonlin, pool_nonlin, max_pool] = stages_[i];
    packed.emplace_back(conv->weight.squeeze(3), conv->bias, norm, convStride(config_));
  }
  return packed;
}

at::Tensor Deep4NetImpl::inferFeatures(const at::Tensor& eeg, const std::vector<PackedTimeConv>& packed) {
  const int64_t length = config_.pool_time_length, stride = poolStride(config_);
  auto x = eeg;
  for (size_t i = 0; i < stages_.size(); i++) {
    auto& stage = stages_[i];
    // The largest value of a function that rises is that of the largest: fewer are computed.
    if (stage.max_pool && stage.nonlin->name() == "ELU")
      x = stage.nonlin->forward(packed[i].forwardLargest(x, length, stride));
    else
      x = poolTime(stage.nonlin->forward(packed[i].forward(x)), {stage.max_pool ? "max" : "mean"}, length, stride);
    x = stage.pool_nonlin->forward(x);
  }
  return x;
}

at::Tensor Deep4NetImpl::features(const at::Tensor& eeg) {
  const auto packed = packed_.inferring({is_training(), eeg}, tensors_, [this] { return pack(); });
  if (packed) return inferFeatures(eeg, *packed);
  auto x = finish(stages_[0], conv_time_spat_->forward(eeg));  // (batch, n_filters_spat, 1, steps)
  for (size_t i = 1; i < stages_.size(); i++)
    x = finish(stages_[i], convolveTime(drop_->forward(x), stages_[i].conv, convStride(config_)));
  return x;
}

at::Tensor Deep4NetImpl::forward(const at::Tensor& eeg) {
  checkWindows("deep4net", eeg, final_layer_->weight(), config_);
  return final_layer_->forward(features(eeg));
}

}  // namespace eegtorch
