#include "conv/atcnet.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "blocks/eeg_window.h"
#include "core/check.h"
#include "kernels/elu_pool.h"
#include "kernels/filter_bank.h"

namespace eegtorch {

namespace {

constexpr double kStemNormEps = 1e-4, kLayerNormEps = 1e-6, kAttentionOutputDrop = 0.3;
constexpr int64_t kLargestDepth = 30;  // dilations stay within 32 bits

void check(const AtcNetConfig& c) {
  const OptionCheck options("atcnet");
  checkWindowOptions(options, c);
  options.size("conv_block_n_filters", c.conv_block_n_filters);
  options.size("conv_block_kernel_length_1", c.conv_block_kernel_length_1);
  options.size("conv_block_kernel_length_2", c.conv_block_kernel_length_2);
  options.size("conv_block_pool_size_1", c.conv_block_pool_size_1);
  options.size("conv_block_pool_size_2", c.conv_block_pool_size_2);
  options.size("conv_block_depth_mult", c.conv_block_depth_mult);
  options.fraction("conv_block_dropout", c.conv_block_dropout);
  options.size("n_windows", c.n_windows);
  options.size("head_dim", c.head_dim);
  options.size("num_heads", c.num_heads);
  options.fraction("att_drop_prob", c.att_drop_prob);
  options.size("tcn_depth", c.tcn_depth);
  options.require(c.tcn_depth <= kLargestDepth, "tcn_depth", "at most " + std::to_string(kLargestDepth),
                  std::to_string(c.tcn_depth));
  options.size("tcn_kernel_size", c.tcn_kernel_size);
  options.fraction("tcn_drop_prob", c.tcn_drop_prob);
  options.positive("max_norm_const", c.max_norm_const);
  if (c.conv_max_norm_const) options.positive("conv_max_norm_const", *c.conv_max_norm_const);
}

// The reference fits networks to short windows: every length is multiplied by what n_times lacks.
AtcNetConfig shrunk(AtcNetConfig c) {
  const double tcn = static_cast<double>(c.tcn_kernel_size - 1) * std::exp2(c.tcn_depth - 1) + 1;
  const double needed = (static_cast<double>(c.n_windows) + tcn - 1) * static_cast<double>(c.conv_block_pool_size_1) *
                        static_cast<double>(c.conv_block_pool_size_2);
  if (static_cast<double>(c.n_times) >= needed) return c;
  const double factor = static_cast<double>(c.n_times) / needed;
  const auto shrink = [factor](int64_t& length, int64_t least) {
    length = std::max(least, static_cast<int64_t>(static_cast<double>(length) * factor));
  };
  for (auto* length : {&c.conv_block_kernel_length_1, &c.conv_block_kernel_length_2, &c.conv_block_pool_size_1,
                       &c.conv_block_pool_size_2, &c.n_windows})
    shrink(*length, 1);
  shrink(c.tcn_kernel_size, 2);
  return c;
}

int64_t stemFilters(const AtcNetConfig& c) { return c.conv_block_n_filters * c.conv_block_depth_mult; }

// Pooled steps of one window.
int64_t windowSteps(const AtcNetConfig& c) {
  return c.n_times / c.conv_block_pool_size_1 / c.conv_block_pool_size_2 - c.n_windows + 1;
}

BoundedWeight convolution(const torch::nn::Conv2dOptions& options, const std::optional<double>& max_norm) {
  const torch::nn::Conv2d plain(options);
  return BoundedWeight(plain->weight, plain->bias, max_norm);
}

class AtcAttentionImpl : public torch::nn::Module {
 public:
  explicit AtcAttentionImpl(const AtcNetConfig& c) : heads_(c.num_heads) {
    const int64_t width = stemFilters(c), inner = c.head_dim * c.num_heads;
    norm_ = register_module("ln", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kLayerNormEps)));
    const auto mha = register_module("mha", std::make_shared<Named>());
    queries_ = mha->register_module("fc_q", torch::nn::Linear(width, inner));
    keys_ = mha->register_module("fc_k", torch::nn::Linear(width, inner));
    values_ = mha->register_module("fc_v", torch::nn::Linear(width, inner));
    output_ = mha->register_module("fc_o", torch::nn::Linear(inner, width));
    dropout_ = mha->register_module("dropout", Dropout(c.att_drop_prob));
    drop_ = register_module("drop", Dropout(kAttentionOutputDrop));
  }

  at::Tensor forward(const at::Tensor& x) {  // (batch, filters, steps), likewise
    const auto steps = x.transpose(1, 2);    // (batch, steps, filters)
    const auto normed = norm_->forward(steps);
    const auto mixed =
        attend(queries_->forward(normed), keys_->forward(normed), values_->forward(normed), heads_, 0, is_training());
    return (steps + drop_->forward(dropout_->forward(output_->forward(mixed)))).transpose(1, 2);
  }

 private:
  int64_t heads_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear queries_{nullptr}, keys_{nullptr}, values_{nullptr}, output_{nullptr};
  Dropout dropout_{nullptr}, drop_{nullptr};
};
TORCH_MODULE(AtcAttention);

class TcnBlockImpl : public torch::nn::Module {
 public:
  TcnBlockImpl(const AtcNetConfig& c, int64_t dilation) : dilation_(dilation) {
    const int64_t filters = stemFilters(c);
    const auto conv = [&] {
      const torch::nn::Conv1d plain(filters, filters, c.tcn_kernel_size);
      torch::nn::init::kaiming_uniform_(plain->weight);
      return BoundedWeight(plain->weight, plain->bias, c.conv_max_norm_const);
    };
    activation_ = register_module("activation", Activation(c.tcn_activation));
    conv1_ = register_module("conv1", conv());
    bn1_ = register_module("bn1", torch::nn::BatchNorm1d(filters));
    drop1_ = register_module("drop1", Dropout(c.tcn_drop_prob));
    conv2_ = register_module("conv2", conv());
    bn2_ = register_module("bn2", torch::nn::BatchNorm1d(filters));
    drop2_ = register_module("drop2", Dropout(c.tcn_drop_prob));
  }

  at::Tensor forward(const at::Tensor& x) {  // (batch, filters, steps), likewise
    const auto inner = drop1_->forward(activation_->forward(bn1_->forward(convolve(x, conv1_))));
    const auto outer = drop2_->forward(activation_->forward(bn2_->forward(convolve(inner, conv2_))));
    return activation_->forward(x + outer);
  }

 private:
  // Causal: zeros before the first step alone.
  at::Tensor convolve(const at::Tensor& x, const BoundedWeight& conv) const {
    const auto weight = conv->weight();
    const auto padded = at::constant_pad_nd(x, {(weight.size(2) - 1) * dilation_, 0});
    return at::conv1d(padded, weight, conv->bias(), 1, at::IntArrayRef{0}, dilation_);
  }

  int64_t dilation_;
  Activation activation_{nullptr};
  BoundedWeight conv1_{nullptr}, conv2_{nullptr};
  torch::nn::BatchNorm1d bn1_{nullptr}, bn2_{nullptr};
  Dropout drop1_{nullptr}, drop2_{nullptr};
};
TORCH_MODULE(TcnBlock);

Chain temporalConvNet(const AtcNetConfig& c) {
  Chain blocks;
  for (int64_t i = 0; i < c.tcn_depth; i++) blocks->push_back(TcnBlock(c, int64_t{1} << i));
  return blocks;
}

}  // namespace

// The reference's axes are (batch, filters, time, channels): time before channels.
AtcNetStemImpl::AtcNetStemImpl(const AtcNetConfig& c)
    : kernel_length_(c.conv_block_kernel_length_1),
      pool_1_(c.conv_block_pool_size_1),
      pool_2_(c.conv_block_pool_size_2) {
  using torch::nn::BatchNorm2d, torch::nn::Conv2dOptions;
  const int64_t filters = c.conv_block_n_filters, deep = stemFilters(c);
  const auto norm = [](int64_t n) { return BatchNorm2d(torch::nn::BatchNorm2dOptions(n).eps(kStemNormEps)); };
  const auto conv = [&](const Conv2dOptions& options) { return convolution(options, c.conv_max_norm_const); };
  conv1_ = register_module("conv1", conv(Conv2dOptions(1, filters, {kernel_length_, 1}).bias(false)));
  bn1_ = register_module("bn1", norm(filters));
  conv2_ = register_module("conv2", conv(Conv2dOptions(filters, deep, {1, c.n_chans}).groups(filters).bias(false)));
  bn2_ = register_module("bn2", norm(deep));
  drop2_ = register_module("drop2", ChannelDropout(c.conv_block_dropout));
  conv3_ = register_module("conv3", conv(Conv2dOptions(deep, deep, {c.conv_block_kernel_length_2, 1}).bias(false)));
  bn3_ = register_module("bn3", norm(deep));
  drop3_ = register_module("drop3", ChannelDropout(c.conv_block_dropout));
}

at::Tensor AtcNetStemImpl::forward(const at::Tensor& eeg) {
  // 'same' padding of an even length has its odd zero at the end; the filter bank pads both ends alike.
  const auto padded = kernel_length_ % 2 == 0 ? at::constant_pad_nd(eeg, {0, 1}) : eeg;
  auto x = kernels::filterBank(padded, conv1_->weight().transpose(2, 3), *bn1_, conv2_->weight().transpose(2, 3),
                               (kernel_length_ - 1) / 2);                               // (batch, deep, 1, n_times)
  x = drop2_->forward(kernels::batchNormEluPool(x, *bn2_, {pool_1_, pool_1_, false}));  // (.., n_times / pool_1)
  const int64_t later = conv3_->weight().size(2) - 1;
  x = at::conv2d(at::constant_pad_nd(x, {later / 2, later - later / 2}), conv3_->weight().transpose(2, 3));
  return drop3_->forward(kernels::batchNormEluPool(x, *bn3_, {pool_2_, pool_2_, false}));
}

AtcNetImpl::AtcNetImpl(const AtcNetConfig& config) {
  check(config);
  config_ = shrunk(config);
  const OptionCheck options("atcnet");
  options.require(windowSteps(config_) > 0, "n_times",
                  "enough samples for " + std::to_string(config_.n_windows) + " windows of one pooled step",
                  std::to_string(config.n_times));
  options.require(!config_.concat || config_.n_windows == 1, "concat", "false for more than one window", "true");
  conv_block_ = register_module("conv_block", AtcNetStem(config_));
  attention_blocks_ = register_module("attention_blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < config_.n_windows; i++) attention_blocks_->push_back(AtcAttention(config_));
  temporal_conv_nets_ = register_module("temporal_conv_nets", torch::nn::ModuleList());
  for (int64_t i = 0; i < config_.n_windows; i++) temporal_conv_nets_->push_back(temporalConvNet(config_));
  final_layer_ = register_module("final_layer", torch::nn::ModuleList());
  for (int64_t i = 0; i < config_.n_windows; i++)
    final_layer_->push_back(ColumnMaxNormLinear(stemFilters(config_), config_.n_outputs, config_.max_norm_const));
}

// braindecode before 1.0 called the classifiers max_norm_linears, and before 0.9 bounded their weights in place.
std::unordered_map<std::string, std::string> AtcNetImpl::olderNames() const {
  std::unordered_map<std::string, std::string> names;
  for (int64_t i = 0; i < config_.n_windows; i++) {
    const auto layer = "final_layer." + std::to_string(i), older = "max_norm_linears." + std::to_string(i);
    const auto original = layer + ".parametrizations.weight.original";
    names.insert({{older + ".bias", layer + ".bias"},
                  {older + ".weight", original},
                  {older + ".parametrizations.weight.original", original},
                  {layer + ".weight", original}});
  }
  return names;
}

at::Tensor AtcNetImpl::forward(const at::Tensor& eeg) {
  checkWindows("atcnet", eeg, conv_block_->parameter(), config_);
  const auto steps = conv_block_->forward(eeg).squeeze(2);  // (batch, filters, steps)
  const int64_t length = windowSteps(config_);
  std::vector<at::Tensor> votes;
  for (int64_t i = 0; i < config_.n_windows; i++) {
    const auto attended = attention_blocks_[i]->as<AtcAttentionImpl>()->forward(steps.narrow(2, i, length));
    const auto last = temporal_conv_nets_[i]->as<ChainImpl>()->forward(attended).select(2, length - 1);
    votes.push_back(final_layer_[i]->as<ColumnMaxNormLinearImpl>()->forward(last));  // (batch, n_outputs)
  }
  return votes.size() == 1 ? votes[0] : at::stack(votes).mean(0);
}

}  // namespace eegtorch
