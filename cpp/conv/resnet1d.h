// A residual network over time without bottlenecks (He et al. 2016, CVPR; section 1.2 of the BCI Competition IV 2a
// design document, with the depth and widths of ResNet-18). Reference: test/oracle/models/eeg/resnet1d.py.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"

namespace eegtorch {

struct ResNet1dConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  std::vector<int64_t> widths = {64, 128, 256, 512};
  std::vector<int64_t> n_blocks = {2, 2, 2, 2};
  int64_t stem_length = 7;
  int64_t kernel_length = 3;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("widths", widths, "filters of each stage");
    visit("n_blocks", n_blocks, "residual blocks of each stage");
    visit("stem_length", stem_length, "length of the first convolution in samples");
    visit("kernel_length", kernel_length, "length of the others, odd");
  }
};

// The network in inference: norms folded into convolutions, and these packed.
struct PackedResNet1d;

class ResNet1dImpl : public ModelImpl {
 public:
  explicit ResNet1dImpl(const ResNet1dConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  PackedResNet1d pack();
  at::Tensor features(const at::Tensor& eeg);  // (batch, widths.back())
  at::Tensor inferFeatures(const at::Tensor& eeg, const PackedResNet1d& packed) const;

  ResNet1dConfig config_;
  torch::nn::Conv1d conv1_{nullptr};
  torch::nn::BatchNorm1d bn1_{nullptr};
  std::vector<torch::nn::Sequential> stages_;
  torch::nn::Linear fc_{nullptr};
  std::vector<at::Tensor> tensors_;  // before fc
  kernels::Kept<PackedResNet1d> packed_;
};
TORCH_MODULE(ResNet1d);

}  // namespace eegtorch
