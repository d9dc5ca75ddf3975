#include "kernels/batch_norm.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace eegtorch::kernels {

namespace {

std::vector<double> values(const at::Tensor& tensor) {
  const auto numbers = tensor.detach().contiguous();
  const float* p = numbers.const_data_ptr<float>();
  return {p, p + numbers.numel()};
}

ChannelAffine withParameters(const BatchNorm& norm, std::vector<double> mean, const std::vector<double>& variance) {
  ChannelAffine affine{std::move(mean), {}, values(norm.weight), values(norm.bias)};
  for (const double v : variance) affine.inverse_std.push_back(1 / std::sqrt(v + norm.eps));
  return affine;
}

}  // namespace

namespace {

template <class Module>
BatchNorm take(Module& module) {
  const auto& options = module.options;
  const auto weight = module.weight.defined() ? module.weight : at::ones({options.num_features()});
  const auto bias = module.bias.defined() ? module.bias : at::zeros({options.num_features()});
  BatchNorm norm{weight, bias, module.running_mean, module.running_var, 0., options.eps(), false};
  norm.batch_statistics = module.is_training() || !module.running_mean.defined();
  if (module.is_training() && module.num_batches_tracked.defined()) module.num_batches_tracked += 1;
  if (options.momentum())
    norm.momentum = *options.momentum();
  else if (module.is_training() && module.num_batches_tracked.defined())
    norm.momentum = 1 / static_cast<double>(module.num_batches_tracked.template item<int64_t>());
  return norm;
}

}  // namespace

BatchNorm takeBatchNorm(torch::nn::BatchNorm1dImpl& module) { return take(module); }
BatchNorm takeBatchNorm(torch::nn::BatchNorm2dImpl& module) { return take(module); }

at::Tensor batchNorm(const at::Tensor& x, const BatchNorm& norm, const at::Tensor& weight, const at::Tensor& bias) {
  return at::batch_norm(x, weight, bias, norm.running_mean, norm.running_var, norm.batch_statistics, norm.momentum,
                        norm.eps, false);
}

at::Tensor batchNormAgain(const at::Tensor& x, const BatchNorm& norm, const at::Tensor& weight,
                          const at::Tensor& bias) {
  BatchNorm again = norm;
  if (again.batch_statistics) again.running_mean = again.running_var = at::Tensor();
  return batchNorm(x, again, weight, bias);
}

FoldedNorm::FoldedNorm(const BatchNorm& norm) {
  const ChannelAffine affine = runningAffine(norm);
  std::vector<double> scales, shifts;
  for (size_t c = 0; c < affine.mean.size(); c++) {
    scales.push_back(affine.scale(c));
    shifts.push_back(affine.shift(c));
  }
  scale = toTensor(scales);
  shift = toTensor(shifts);
}

FoldedNorm::FoldedNorm(torch::nn::BatchNorm1dImpl& norm) : FoldedNorm(takeBatchNorm(norm)) {}
FoldedNorm::FoldedNorm(torch::nn::BatchNorm2dImpl& norm) : FoldedNorm(takeBatchNorm(norm)) {}

at::Tensor FoldedNorm::weightOf(const at::Tensor& weight) const {
  std::vector<int64_t> per_channel(static_cast<size_t>(weight.dim()), 1);
  per_channel[0] = -1;
  return weight.detach() * scale.view(per_channel);
}

at::Tensor FoldedNorm::biasOf(const at::Tensor& bias) const {
  return bias.defined() ? bias.detach() * scale + shift : shift;
}

ChannelAffine runningAffine(const BatchNorm& norm) {
  return withParameters(norm, values(norm.running_mean), values(norm.running_var));
}

ChannelAffine batchAffine(const BatchNorm& norm, const std::vector<double>& mean, const std::vector<double>& variance,
                          int64_t count) {
  if (norm.running_mean.defined()) {
    at::NoGradGuard no_grad;
    const double unbiased = count > 1 ? static_cast<double>(count) / static_cast<double>(count - 1) : NAN;
    const double kept = 1 - norm.momentum;
    norm.running_mean.mul_(kept).add_(toTensor(mean), norm.momentum);
    norm.running_var.mul_(kept).add_(toTensor(variance), norm.momentum * unbiased);
  }
  return withParameters(norm, mean, variance);
}

// Rows apart, each around its own mean, then joined (Chan et al. 1979).
ChannelAffine batchAffine(const BatchNorm& norm, const float* x, const Rows& rows) {
  const auto samples = static_cast<double>(rows.samples);
  std::vector<double> row_mean(rows.count()), row_squares(rows.count());
  Pieces(rows.count()).run([&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const float* values = x + row * rows.samples;
      row_mean[row] = table().sum(values, rows.samples) / samples;
      row_squares[row] = table().squares(values, rows.samples, static_cast<float>(row_mean[row]));
    }
  });
  std::vector<double> mean(rows.channels), variance(rows.channels);
  const auto batch = static_cast<double>(rows.batch);
  for (int64_t row = 0; row < rows.count(); row++) mean[rows.channel(row)] += row_mean[row] / batch;
  for (int64_t row = 0; row < rows.count(); row++) {
    const double apart = row_mean[row] - mean[rows.channel(row)];
    variance[rows.channel(row)] += (row_squares[row] / samples + apart * apart) / batch;
  }
  return batchAffine(norm, mean, variance, rows.batch * rows.samples);
}

ChannelGradient::ChannelGradient(const ChannelAffine& affine, bool batch_statistics, int64_t count,
                                 const std::vector<double>& sum, const std::vector<double>& centred_sum)
    : bias(sum), mean(affine.mean.begin(), affine.mean.end()) {
  // Statistics that do not come from the batch do not depend on it.
  const double values = batch_statistics ? static_cast<double>(count) : INFINITY;
  for (size_t c = 0; c < sum.size(); c++) {
    weight.push_back(centred_sum[c] * affine.inverse_std[c]);
    scale.push_back(static_cast<float>(affine.scale(c)));
    offset.push_back(static_cast<float>(affine.scale(c) * bias[c] / values));
    slope.push_back(static_cast<float>(affine.scale(c) * affine.inverse_std[c] * weight[c] / values));
  }
}

namespace {

// Sums of each channel over its rows: `which` of the two numbers of a row.
std::vector<double> channelSums(const Rows& rows, const std::vector<double>& sums, int64_t which) {
  std::vector<double> total(rows.channels);
  for (int64_t row = 0; row < rows.count(); row++) total[rows.channel(row)] += sums[2 * row + which];
  return total;
}

}  // namespace

NormGradient::NormGradient(const Rows& rows, const ChannelAffine& affine, bool batch_statistics,
                           const std::vector<double>& sums)
    : rows_(rows),
      channels_(affine, batch_statistics, rows.batch * rows.samples, channelSums(rows, sums, 0),
                channelSums(rows, sums, 1)) {}

void NormGradient::apply(int64_t row, const float* x, const float* g, float* d) const {
  const int64_t c = rows_.channel(row);
  const auto& [weight, bias, scale, offset, slope, mean] = channels_;
  table().normalise_backward(x, g, rows_.samples, scale[c], offset[c], slope[c], mean[c], d);
}

at::Tensor toTensor(const std::vector<double>& values) {
  auto tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

}  // namespace eegtorch::kernels
