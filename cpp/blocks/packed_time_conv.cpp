#include "blocks/packed_time_conv.h"

#include "kernels/batch_norm.h"

namespace eegtorch {

namespace {

kernels::PackedConv1d pack(const at::Tensor& weight, const at::Tensor& bias, torch::nn::BatchNorm2d norm,
                           int64_t stride) {
  if (!norm) return {weight.detach(), bias.defined() ? bias.detach() : bias, stride, 0, kernels::kManySteps};
  const kernels::FoldedNorm folded(*norm);
  return {folded.weightOf(weight), folded.biasOf(bias), stride, 0, kernels::kManySteps};
}

at::Tensor filtersFirst(const kernels::ChannelsLastWindows& x) { return x.inner().transpose(1, 2).unsqueeze(2); }

}  // namespace

PackedTimeConv::PackedTimeConv(const at::Tensor& weight, const at::Tensor& bias, torch::nn::BatchNorm2d norm,
                               int64_t stride)
    : conv_(pack(weight, bias, norm, stride)) {}

kernels::ChannelsLastWindows PackedTimeConv::convolve(const at::Tensor& x) const {
  return conv_.forward(kernels::ChannelsLastWindows(x.dim() == 4 ? x.squeeze(2) : x, 0), 0, 1);
}

at::Tensor PackedTimeConv::forward(const at::Tensor& x) const { return filtersFirst(convolve(x)); }

at::Tensor PackedTimeConv::forwardLargest(const at::Tensor& x, int64_t length, int64_t stride) const {
  return filtersFirst(kernels::poolByMaximum(convolve(x), length, stride));
}

}  // namespace eegtorch
