#include "diffusion/resample.h"

#include <ATen/Functions.h>

namespace eegtorch {

DownsampleImpl::DownsampleImpl(int64_t channels, int64_t padding) : uneven_(padding == 0) {
  conv_ = register_module("conv", Conv2d(channels, channels, 3, Conv2dShape{.stride = 2, .padding = padding}));
}

at::Tensor DownsampleImpl::forward(const at::Tensor& x) {
  return conv_->forward(uneven_ ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x);
}

UpsampleImpl::UpsampleImpl(int64_t channels) {
  conv_ = register_module("conv", Conv2d(channels, channels, 3, Conv2dShape{.padding = 1}));
}

at::Tensor UpsampleImpl::forward(const at::Tensor& x, std::optional<std::pair<int64_t, int64_t>> size) {
  const auto [height, width] = size.value_or(std::pair(2 * x.size(2), 2 * x.size(3)));
  return conv_->forward(at::upsample_nearest2d(x, at::IntArrayRef{height, width}));
}

}  // namespace eegtorch
