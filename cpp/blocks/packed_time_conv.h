// Convolutions over time of Braindecode's networks in inference: packed, with the batch norms behind them folded in.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include "kernels/packed_conv1d.h"

namespace eegtorch {

class PackedTimeConv {
 public:
  // weight (out, in, taps), bias (out) or undefined; norm may be empty.
  PackedTimeConv(const at::Tensor& weight, const at::Tensor& bias, torch::nn::BatchNorm2d norm, int64_t stride = 1);

  // (batch, in, samples), or with an axis of one before the samples -> (batch, out, 1, steps), channels last.
  at::Tensor forward(const at::Tensor& x) const;
  // The largest values of every `length` steps of it, `stride` apart.
  at::Tensor forwardLargest(const at::Tensor& x, int64_t length, int64_t stride) const;

 private:
  kernels::ChannelsLastWindows convolve(const at::Tensor& x) const;

  kernels::PackedConv1d conv_;
};

}  // namespace eegtorch
