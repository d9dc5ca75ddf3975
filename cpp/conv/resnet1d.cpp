#include "conv/resnet1d.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "blocks/floating_tensors.h"
#include "core/check.h"
#include "kernels/batch_norm.h"
#include "kernels/conv1d.h"
#include "kernels/norm_relu.h"
#include "kernels/packed_conv1d.h"

namespace eegtorch {

namespace {

torch::nn::Conv1d conv(int64_t in, int64_t out, int64_t length, int64_t stride) {
  return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, length).stride(stride).padding(length / 2).bias(false));
}

kernels::PackedConv1d packed(const torch::nn::Conv1dImpl& conv, const kernels::FoldedNorm& norm) {
  const int64_t length = conv.weight.size(2), stride = conv.options.stride()->at(0);
  return {norm.weightOf(conv.weight), norm.shift, stride, length / 2, kernels::kManySteps};
}

void check(const ResNet1dConfig& c) {
  const OptionCheck options("resnet1d");
  checkWindowOptions(options, c);
  options.sizes("widths", c.widths);
  options.sizes("n_blocks", c.n_blocks);
  options.require(c.n_blocks.size() == c.widths.size(), "n_blocks",
                  "one number for each of the " + std::to_string(c.widths.size()) + " widths",
                  std::to_string(c.n_blocks.size()) + " numbers");
  options.size("stem_length", c.stem_length);
  options.size("kernel_length", c.kernel_length);
  options.require(c.kernel_length % 2 == 1, "kernel_length", "an odd number, which keeps the samples",
                  std::to_string(c.kernel_length));
  const int64_t stem = (c.n_times + 2 * (c.stem_length / 2) - c.stem_length) / 2 + 1;
  options.require(stem >= 1, "n_times", "enough samples for the stem", std::to_string(c.n_times));
}

// A BasicBlock in inference.
struct PackedBlock {
  kernels::PackedConv1d first, second;
  std::optional<kernels::PackedConv1d> short_cut;  // its shift is in that of the second

  kernels::ChannelsLastWindows forward(const kernels::ChannelsLastWindows& x, int64_t margin) const {
    const auto inside = first.forward(x, margin, 0);
    const auto y = short_cut ? short_cut->forward(x, margin, 1) : x;  // x itself is of no use after that
    second.add(inside, y, 0);
    return y;
  }
};

// Two convolutions beside a short cut, which is projected where the shape changes.
class BasicBlockImpl : public torch::nn::Module {
 public:
  BasicBlockImpl(int64_t in, int64_t out, int64_t length, int64_t stride) {
    conv1_ = register_module("conv1", conv(in, out, length, stride));
    bn1_ = register_module("bn1", torch::nn::BatchNorm1d(out));
    conv2_ = register_module("conv2", conv(out, out, length, 1));
    bn2_ = register_module("bn2", torch::nn::BatchNorm1d(out));
    if (stride != 1 || in != out)
      downsample_ =
          register_module("downsample", torch::nn::Sequential(conv(in, out, 1, stride), torch::nn::BatchNorm1d(out)));
  }

  at::Tensor forward(const at::Tensor& x) {  // (batch, in, steps) -> (batch, out, steps / stride)
    const auto y = kernels::conv1d(kernels::batchNormRelu(kernels::conv1d(x, *conv1_), *bn1_), *conv2_);
    return kernels::batchNormRelu(y, *bn2_, downsample_ ? downsample_->forward(x) : x);
  }

  PackedBlock pack() {
    kernels::FoldedNorm norm1(*bn1_), norm2(*bn2_);
    std::optional<kernels::PackedConv1d> short_cut;
    if (downsample_) {
      kernels::FoldedNorm norm(*downsample_[1]->as<torch::nn::BatchNorm1d>());
      norm2.shift += norm.shift;
      norm.shift.reset();
      short_cut = packed(*downsample_[0]->as<torch::nn::Conv1d>(), norm);
    }
    return {packed(*conv1_, norm1), packed(*conv2_, norm2), short_cut};
  }

 private:
  torch::nn::Conv1d conv1_{nullptr}, conv2_{nullptr};
  torch::nn::BatchNorm1d bn1_{nullptr}, bn2_{nullptr};
  torch::nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(BasicBlock);

}  // namespace

struct PackedResNet1d {
  kernels::PackedConv1d stem;
  std::vector<PackedBlock> blocks;
};

ResNet1dImpl::ResNet1dImpl(const ResNet1dConfig& config) : config_(config) {
  check(config);
  int64_t width = config.widths.front();
  conv1_ = register_module("conv1", conv(config.n_chans, width, config.stem_length, 2));
  bn1_ = register_module("bn1", torch::nn::BatchNorm1d(width));
  for (size_t i = 0; i < config.widths.size(); i++) {
    torch::nn::Sequential stage;
    for (int64_t block = 0; block < config.n_blocks[i]; block++, width = config.widths[i])
      stage->push_back(BasicBlock(width, config.widths[i], config.kernel_length, i > 0 && block == 0 ? 2 : 1));
    stages_.push_back(register_module("layer" + std::to_string(i + 1), stage));
  }
  tensors_ = floatingTensors(*this);
  fc_ = register_module("fc", torch::nn::Linear(width, config.n_outputs));
}

PackedResNet1d ResNet1dImpl::pack() {
  const at::NoGradGuard no_grad;
  PackedResNet1d network{packed(*conv1_, kernels::FoldedNorm(*bn1_)), {}};
  for (const auto& stage : stages_)
    for (const auto& block : *stage) network.blocks.push_back(block.ptr()->as<BasicBlock>()->pack());
  return network;
}

at::Tensor ResNet1dImpl::inferFeatures(const at::Tensor& eeg, const PackedResNet1d& packed) const {
  const int64_t margin = config_.kernel_length / 2;
  const auto stem = packed.stem.forward(kernels::ChannelsLastWindows(eeg, config_.stem_length / 2), 0, 0);
  auto x = kernels::halveByMaximum(stem, margin);
  for (const auto& block : packed.blocks) x = block.forward(x, margin);
  return x.inner().mean(1);
}

at::Tensor ResNet1dImpl::features(const at::Tensor& eeg) {
  const auto packed = packed_.inferring({is_training(), eeg}, tensors_, [this] { return pack(); });
  if (packed) return inferFeatures(eeg, *packed);
  auto x =
      at::max_pool1d(kernels::batchNormRelu(conv1_->forward(eeg), *bn1_), 3, 2, 1);  // (batch, widths[0], ~samples / 4)
  for (auto& stage : stages_) x = stage->forward(x);
  return x.mean(2);
}

at::Tensor ResNet1dImpl::forward(const at::Tensor& eeg) {
  checkWindows("resnet1d", eeg, fc_->weight, config_);
  return fc_->forward(features(eeg));  // (batch, n_outputs)
}

}  // namespace eegtorch
