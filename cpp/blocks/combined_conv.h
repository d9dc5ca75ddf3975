// A temporal and a spatial convolution with nothing between them, composed into one whenever they are applied.
// Reference: braindecode 1.8.1, braindecode.modules.CombinedConv.
#pragma once

#include <torch/nn/modules/conv.h>

namespace eegtorch {

// Both as one: weight (S, channels, taps), bias (S).
struct ComposedConv {
  at::Tensor weight, bias;
};

// temporal: (F, taps); spatial: (S, F, channels). spatial_bias may be undefined.
ComposedConv compose(const at::Tensor& temporal, const at::Tensor& temporal_bias, const at::Tensor& spatial,
                     const at::Tensor& spatial_bias);

// eeg (batch, channels, samples) -> (batch, S, 1, samples - taps + 1)
at::Tensor convolveCombined(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& temporal_bias,
                            const at::Tensor& spatial, const at::Tensor& spatial_bias);

class CombinedConvImpl : public torch::nn::Module {
 public:
  CombinedConvImpl(int64_t channels, int64_t temporal_filters, int64_t temporal_length, int64_t spatial_filters,
                   bool spatial_bias);

  // eeg (batch, channels, samples) -> (batch, spatial_filters, 1, samples - temporal_length + 1)
  at::Tensor forward(const at::Tensor& eeg);

  ComposedConv composed() const;
  const at::Tensor& weight() const { return conv_time_->weight; }

 private:
  torch::nn::Conv2d conv_time_{nullptr}, conv_spat_{nullptr};
};
TORCH_MODULE(CombinedConv);

// The reference lays time along rows: its filters, (out, in, length, 1), act here along the last axis.
at::Tensor convolveTime(const at::Tensor& x, const torch::nn::Conv2d& conv, int64_t stride = 1);

// Xavier-uniform weights, biases of zero.
void initialiseXavier(const torch::nn::Conv2d& conv);

}  // namespace eegtorch
