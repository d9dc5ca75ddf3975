#include "blocks/combined_conv.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

namespace eegtorch {

ComposedConv compose(const at::Tensor& temporal, const at::Tensor& temporal_bias, const at::Tensor& spatial,
                     const at::Tensor& spatial_bias) {
  auto bias = at::mv(spatial.sum(2), temporal_bias);
  if (spatial_bias.defined()) bias = bias + spatial_bias;
  return {at::matmul(spatial.transpose(1, 2), temporal), bias};
}

at::Tensor convolveCombined(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& temporal_bias,
                            const at::Tensor& spatial, const at::Tensor& spatial_bias) {
  const auto [weight, bias] = compose(temporal, temporal_bias, spatial, spatial_bias);
  return at::conv1d(eeg, weight, bias).unsqueeze(2);
}

CombinedConvImpl::CombinedConvImpl(int64_t channels, int64_t temporal_filters, int64_t temporal_length,
                                   int64_t spatial_filters, bool spatial_bias) {
  const torch::nn::Conv2dOptions temporal(1, temporal_filters, {temporal_length, 1});
  const auto spatial = torch::nn::Conv2dOptions(temporal_filters, spatial_filters, {1, channels}).bias(spatial_bias);
  conv_time_ = register_module("conv_time", torch::nn::Conv2d(temporal));
  conv_spat_ = register_module("conv_spat", torch::nn::Conv2d(spatial));
  initialiseXavier(conv_time_);
  initialiseXavier(conv_spat_);
}

at::Tensor CombinedConvImpl::forward(const at::Tensor& eeg) {
  const auto [weight, bias] = composed();
  return at::conv1d(eeg, weight, bias).unsqueeze(2);
}

ComposedConv CombinedConvImpl::composed() const {
  return compose(conv_time_->weight.flatten(1), conv_time_->bias, conv_spat_->weight.squeeze(2), conv_spat_->bias);
}

at::Tensor convolveTime(const at::Tensor& x, const torch::nn::Conv2d& conv, int64_t stride) {
  return at::conv2d(x, conv->weight.transpose(2, 3), conv->bias, {1, stride});
}

void initialiseXavier(const torch::nn::Conv2d& conv) {
  torch::nn::init::xavier_uniform_(conv->weight);
  if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
}

}  // namespace eegtorch
