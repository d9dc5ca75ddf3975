// Halving and doubling of images by a 3 x 3 convolution. Reference: diffusers, Downsample2D and Upsample2D with their
// convolution, whose tensors have these names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>
#include <utility>

#include "blocks/layers.h"

namespace eegtorch {

class DownsampleImpl : public torch::nn::Module {
 public:
  // padding 0: one row below and one column to the right, as autoencoders have it; else that many on each side.
  DownsampleImpl(int64_t channels, int64_t padding);
  at::Tensor forward(const at::Tensor& x);  // (batch, channels, height, width) -> half the height and width

 private:
  bool uneven_;
  Conv2d conv_{nullptr};
};
TORCH_MODULE(Downsample);

class UpsampleImpl : public torch::nn::Module {
 public:
  explicit UpsampleImpl(int64_t channels);

  // (batch, channels, height, width) -> size (height, width), by default twice that of x; nearest neighbours first
  at::Tensor forward(const at::Tensor& x, std::optional<std::pair<int64_t, int64_t>> size = {});

 private:
  Conv2d conv_{nullptr};
};
TORCH_MODULE(Upsample);

}  // namespace eegtorch
