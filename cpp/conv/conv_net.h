// ConvNet: temporal and spatial convolution, then narrowing temporal blocks, for motor imagery of BCI Competition IV 2a
// (after Schirrmeister et al. 2017, Hum. Brain Mapp. 38, 5391). Reference: test/oracle/models/eeg/conv_net.py.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "blocks/dropout.h"
#include "blocks/packed_time_conv.h"
#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"

namespace eegtorch {

struct ConvNetConfig {
  int64_t n_chans = 22;
  int64_t n_outputs = 4;
  int64_t n_times = 1000;
  std::vector<int64_t> n_filters = {25, 50, 100, 200};
  int64_t kernel_length = 20;
  int64_t pool_length = 6;
  int64_t pool_stride = 3;
  double drop_prob = 0.25;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("n_filters", n_filters, "filters of the temporal and spatial convolution, then of each further block");
    visit("kernel_length", kernel_length, "length of every temporal filter in samples");
    visit("pool_length", pool_length, "samples that a maximum is taken over");
    visit("pool_stride", pool_stride, "samples from one maximum to the next");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

// One of `blocks`: convolution, batch norm, ELU, the largest of each stretch of samples.
class ConvNetBlockImpl : public torch::nn::Module {
 public:
  ConvNetBlockImpl(int64_t in, int64_t out, int64_t kernel_length);
  at::Tensor forward(const at::Tensor& x, int64_t pool_length, int64_t pool_stride);
  // Convolution and norm in inference.
  PackedTimeConv pack() const { return {conv_->weight.squeeze(2), conv_->bias, norm_}; }

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};
TORCH_MODULE(ConvNetBlock);

class ConvNetImpl : public ModelImpl {
 public:
  explicit ConvNetImpl(const ConvNetConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  // Both convolutions with their batch norms, ELUs and pooling: (batch, n_chans, n_times) -> (batch, n_filters[0], 1,
  // steps).
  at::Tensor head(const at::Tensor& eeg);
  // What comes out of `blocks`, (batch, n_filters[-1], 1, steps).
  at::Tensor narrow(const at::Tensor& x);
  at::Tensor inferNarrow(at::Tensor x, const std::vector<PackedTimeConv>& packed) const;

  ConvNetConfig config_;
  torch::nn::Conv2d temporal_conv_{nullptr};
  torch::nn::BatchNorm2d temporal_norm_{nullptr};
  torch::nn::Conv2d spatial_conv_{nullptr};
  torch::nn::BatchNorm2d spatial_norm_{nullptr};
  Dropout dropout_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
  std::vector<at::Tensor> block_tensors_;
  kernels::Kept<std::vector<PackedTimeConv>> packed_blocks_;
  torch::nn::Linear classifier_{nullptr};
};
TORCH_MODULE(ConvNet);

}  // namespace eegtorch
