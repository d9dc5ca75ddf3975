#include "kernels/packed_conv1d.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <cmath>

namespace eegtorch::kernels {

namespace {

// NaN wins, as in LibTorch.
inline float larger(float a, float b) { return a > b || std::isnan(a) ? a : b; }

}  // namespace

ChannelsLastWindows::ChannelsLastWindows(int64_t batch, int64_t steps, int64_t channels, int64_t margin)
    : margin_(margin), data_(at::empty({batch, steps + 2 * margin, channels})) {
  if (margin == 0) return;
  data_.narrow(1, 0, margin).zero_();
  data_.narrow(1, margin + steps, margin).zero_();
}

ChannelsLastWindows::ChannelsLastWindows(const at::Tensor& x, int64_t margin)
    : ChannelsLastWindows(x.size(0), x.size(2), x.size(1), margin) {
  inner().copy_(x.transpose(1, 2));
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
  const int64_t channels = x.channels(), steps = (x.steps() - 1) / 2 + 1;
  ChannelsLastWindows y(x.batch(), steps, channels, margin);
  at::parallel_for(0, x.batch(), 1, [&](int64_t first, int64_t last) {
    for (int64_t window = first; window < last; window++)
      for (int64_t t = 0; t < steps; t++) {
        const int64_t end = std::min(2 * t + 2, x.steps());
        float* to = y.at(window, t);
        std::copy_n(x.at(window, 2 * t), channels, to);
        for (int64_t s = std::max<int64_t>(2 * t - 1, 0); s < end; s++) {
          const float* from = x.at(window, s);
          for (int64_t c = 0; c < channels; c++) to[c] = larger(from[c], to[c]);
        }
      }
  });
  return y;
}

}  // namespace eegtorch::kernels
