#include "kernels/packed_conv1d.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

struct Stretch {
  int64_t first, last;  // steps, the latter one past the end
};

// For each of `steps` the largest values of the stretch of x that it reaches.
template <class Reach>
ChannelsLastWindows largest(const ChannelsLastWindows& x, int64_t steps, int64_t margin, const Reach& reach) {
  const int64_t channels = x.channels();
  ChannelsLastWindows y(x.batch(), steps, channels, margin);
  at::parallel_for(0, x.batch(), 1, [&](int64_t first, int64_t last) {
    for (int64_t window = first; window < last; window++) {
      const float* from = x.at(window, 0);
      float* to = y.at(window, 0);
      for (int64_t t = 0; t < steps; t++) {
        const auto [begin, end] = reach(t);
        rowTable().largest(from + begin * channels, to + t * channels, end - begin, channels);
      }
    }
  });
  return y;
}

}  // namespace

ChannelsLastWindows::ChannelsLastWindows(int64_t batch, int64_t steps, int64_t channels, int64_t margin)
    : margin_(margin), data_(at::empty({batch, steps + 2 * margin, channels})) {
  if (margin == 0) return;
  data_.narrow(1, 0, margin).zero_();
  data_.narrow(1, margin + steps, margin).zero_();
}

ChannelsLastWindows::ChannelsLastWindows(const at::Tensor& x, int64_t margin) : margin_(margin) {
  const auto turned = x.transpose(1, 2);
  if (margin == 0) {
    data_ = turned.contiguous();
    return;
  }
  *this = ChannelsLastWindows(x.size(0), x.size(2), x.size(1), margin);
  inner().copy_(turned);
}

float* ChannelsLastWindows::at(int64_t window, int64_t t) const {
  return data_.data_ptr<float>() + (window * data_.size(1) + margin_ + t) * channels();
}

void ChannelsLastWindows::wrapAround() const {
  data_.narrow(1, 0, margin_).copy_(data_.narrow(1, steps(), margin_));
  data_.narrow(1, margin_ + steps(), margin_).copy_(data_.narrow(1, margin_, margin_));
}

PackedConv1d::PackedConv1d(const at::Tensor& weight, const at::Tensor& shift, int64_t stride, int64_t padding,
                           int64_t steps)
    : length_(weight.size(2)),
      stride_(stride),
      padding_(padding),
      product_(weight.permute({2, 1, 0}).flatten(0, 1), shift, steps) {}

std::vector<RowBlock> PackedConv1d::blocks(const ChannelsLastWindows& x, const ChannelsLastWindows& y,
                                           int64_t first) const {
  std::vector<RowBlock> blocks;
  for (int64_t window = 0; window < x.batch(); window++)
    blocks.push_back(
        {y.steps(), x.at(window, -padding_), stride_ * x.channels(), y.at(window, 0) + first, y.channels()});
  return blocks;
}

ChannelsLastWindows PackedConv1d::forward(const ChannelsLastWindows& x, int64_t margin, float slope) const {
  ChannelsLastWindows y(x.batch(), (x.steps() + 2 * padding_ - length_) / stride_ + 1, channels(), margin);
  product_.run(blocks(x, y), false, {slope});
  return y;
}

void PackedConv1d::write(const ChannelsLastWindows& x, const ChannelsLastWindows& y, int64_t first) const {
  product_.run(blocks(x, y, first), false, {});
}

void PackedConv1d::add(const ChannelsLastWindows& x, const ChannelsLastWindows& y, float slope) const {
  product_.run(blocks(x, y), true, {slope});
}

ChannelsLastWindows halveByMaximum(const ChannelsLastWindows& x, int64_t margin) {
  const auto reach = [&](int64_t t) {
    return Stretch{std::max<int64_t>(2 * t - 1, 0), std::min(2 * t + 2, x.steps())};
  };
  return largest(x, (x.steps() - 1) / 2 + 1, margin, reach);
}

ChannelsLastWindows poolByMaximum(const ChannelsLastWindows& x, int64_t length, int64_t stride) {
  const auto reach = [&](int64_t t) { return Stretch{t * stride, t * stride + length}; };
  return largest(x, (x.steps() - length) / stride + 1, 0, reach);
}

}  // namespace eegtorch::kernels
