// Batch norm as the kernels need it: its tensors, and for each channel the scale and shift it comes down to.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/batchnorm.h>

#include <cmath>
#include <vector>

namespace eegtorch::kernels {

struct BatchNorm {
  at::Tensor weight, bias;               // ones and zeros when not affine: autograd takes no undefined tensors
  at::Tensor running_mean, running_var;  // undefined when not tracked
  double momentum = 0.1, eps = 1e-5;
  bool batch_statistics = false;  // of the batch at hand, as in training; else the running ones
};

// Of a module, in its present mode. Counts the batch when training, as the module's own forward does.
BatchNorm takeBatchNorm(torch::nn::BatchNorm1dImpl& module);
BatchNorm takeBatchNorm(torch::nn::BatchNorm2dImpl& module);

// The plain operator.
at::Tensor batchNorm(const at::Tensor& x, const BatchNorm& norm, const at::Tensor& weight, const at::Tensor& bias);

// The same over a batch whose statistics are in the running ones already: for derivatives of what was normalised
// before.
at::Tensor batchNormAgain(const at::Tensor& x, const BatchNorm& norm, const at::Tensor& weight, const at::Tensor& bias);

// Per channel: y = scale * x + shift.
struct ChannelAffine {
  std::vector<double> mean, inverse_std, weight, bias;

  double scale(size_t channel) const { return weight[channel] * inverse_std[channel]; }
  double shift(size_t channel) const { return bias[channel] - scale(channel) * mean[channel]; }
};

// A batch norm in inference, as tensors (channels): y = scale * x + shift.
struct FoldedNorm {
  at::Tensor scale, shift;

  explicit FoldedNorm(torch::nn::BatchNorm1dImpl& norm);
  explicit FoldedNorm(torch::nn::BatchNorm2dImpl& norm);

  // Weight (channels, ...) and bias (channels), or undefined, of a convolution in front of it that does its work too.
  at::Tensor weightOf(const at::Tensor& weight) const;
  at::Tensor biasOf(const at::Tensor& bias) const;

 private:
  explicit FoldedNorm(const BatchNorm& norm);
};

// From the running statistics.
ChannelAffine runningAffine(const BatchNorm& norm);
// From the batch's: biased variances over `count` values. Updates the running statistics.
ChannelAffine batchAffine(const BatchNorm& norm, const std::vector<double>& mean, const std::vector<double>& variance,
                          int64_t count);

// How a float32 tensor (batch, channels, samples) lies in memory.
struct Rows {
  int64_t batch, channels, samples;

  int64_t count() const { return batch * channels; }
  int64_t channel(int64_t row) const { return row % channels; }
};

// From the batch itself, each row's mean and variance joined.
ChannelAffine batchAffine(const BatchNorm& norm, const float* x, const Rows& rows);

// Batch norm's gradient, channel by channel: that of x is scale * g - offset - slope * (x - mean), of the gradient g of
// its output.
struct ChannelGradient {
  // sums: of g, and of g * (x - mean), over the `count` values of each channel.
  ChannelGradient(const ChannelAffine& affine, bool batch_statistics, int64_t count, const std::vector<double>& sum,
                  const std::vector<double>& centred_sum);

  std::vector<double> weight, bias;
  std::vector<float> scale, offset, slope, mean;
};

// The same for rows: sums holds the two numbers of each row.
class NormGradient {
 public:
  NormGradient(const Rows& rows, const ChannelAffine& affine, bool batch_statistics, const std::vector<double>& sums);

  // d, the gradient of x, from g; d may be g.
  void apply(int64_t row, const float* x, const float* g, float* d) const;

  const std::vector<double>& weight() const { return channels_.weight; }
  const std::vector<double>& bias() const { return channels_.bias; }

 private:
  Rows rows_;
  ChannelGradient channels_;
};

// A float32 tensor of these numbers.
at::Tensor toTensor(const std::vector<double>& values);

}  // namespace eegtorch::kernels
