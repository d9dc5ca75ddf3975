// Convolutions over time in inference: channels last, so that one is a product of overlapping rows with its packed
// weights. LibTorch reorders the weights in every call.
#pragma once

#include "kernels/packed_product.h"

namespace eegtorch::kernels {

// Windows (batch, margin + steps + margin, channels) with zeros in the margins.
class ChannelsLastWindows {
 public:
  ChannelsLastWindows(int64_t batch, int64_t steps, int64_t channels, int64_t margin);
  // x: (batch, channels, steps). Without a margin they are x itself where it lies channels last.
  ChannelsLastWindows(const at::Tensor& x, int64_t margin);

  int64_t batch() const { return data_.size(0); }
  int64_t steps() const { return data_.size(1) - 2 * margin_; }
  int64_t channels() const { return data_.size(2); }
  // Sample t of a window, from -margin.
  float* at(int64_t window, int64_t t) const;
  // Lets the windows follow on themselves: the margins repeat their other ends, which are at least as long.
  void wrapAround() const;
  // (batch, steps, channels), a view.
  at::Tensor inner() const { return data_.narrow(1, margin_, steps()); }

 private:
  int64_t margin_;
  at::Tensor data_;
};

constexpr int64_t kManySteps = 16;  // that come out of a convolution, as a rule

class PackedConv1d {
 public:
  // weight (out, in, taps), shift (out) or undefined. steps: about as many as will come out.
  PackedConv1d(const at::Tensor& weight, const at::Tensor& shift, int64_t stride, int64_t padding, int64_t steps);

  int64_t channels() const { return product_.columns(); }
  // x has a margin of at least the padding. Negative numbers are multiplied by slope, as by PackedProduct.
  ChannelsLastWindows forward(const ChannelsLastWindows& x, int64_t margin, float slope) const;
  // Into channels [first, first + channels()) of y.
  void write(const ChannelsLastWindows& x, const ChannelsLastWindows& y, int64_t first) const;
  // On top of what y holds.
  void add(const ChannelsLastWindows& x, const ChannelsLastWindows& y, float slope) const;

 private:
  std::vector<RowBlock> blocks(const ChannelsLastWindows& x, const ChannelsLastWindows& y, int64_t first = 0) const;

  int64_t length_, stride_, padding_;
  PackedProduct product_;
};

// As at::max_pool1d, without its indices: with a kernel of 3, a stride of 2 and a padding of 1, and without padding.
ChannelsLastWindows halveByMaximum(const ChannelsLastWindows& x, int64_t margin);
ChannelsLastWindows poolByMaximum(const ChannelsLastWindows& x, int64_t length, int64_t stride);

}  // namespace eegtorch::kernels
