#include "blocks/packed_time_conv.h"

#include "kernels/batch_norm.h"

namespace eegtorch {

namespace {

constexpr int64_t kManySteps = 16;  // that come out, as a rule

kernels::PackedConv1d pack(const at::Tensor& weight, const at::Tensor& bias, torch::nn::BatchNorm2d norm,
                           int64_t stride) {
  const auto plain = weight.detach(), shift = bias.defined() ? bias.detach() : bias;
  if (!norm) return {plain, shift, stride, 0, kManySteps};
  const kernels::FoldedNorm folded(*norm);
  return {plain * folded.scale.view({-1, 1, 1}), shift.defined() ? shift * folded.scale + folded.shift : folded.shift,
          stride, 0, kManySteps};
}

}  // namespace

PackedTimeConv::PackedTimeConv(const at::Tensor& weight, const at::Tensor& bias, torch::nn::BatchNorm2d norm,
                               int64_t stride)
    : conv_(pack(weight, bias, norm, stride)) {}

at::Tensor PackedTimeConv::forward(const at::Tensor& x) const {
  const kernels::ChannelsLastWindows windows(x.dim() == 4 ? x.squeeze(2) : x, 0);
  return conv_.forward(windows, 0, 1).inner().transpose(1, 2).unsqueeze(2);
}

}  // namespace eegtorch
