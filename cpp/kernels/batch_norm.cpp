#include "kernels/batch_norm.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

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

BatchNorm takeBatchNorm(torch::nn::BatchNorm2dImpl& module) {
  const auto& options = module.options;
  const auto weight = module.weight.defined() ? module.weight : at::ones({options.num_features()});
  const auto bias = module.bias.defined() ? module.bias : at::zeros({options.num_features()});
  BatchNorm norm{weight, bias, module.running_mean, module.running_var, 0., options.eps(), false};
  norm.batch_statistics = module.is_training() || !module.running_mean.defined();
  if (module.is_training() && module.num_batches_tracked.defined()) module.num_batches_tracked += 1;
  if (options.momentum())
    norm.momentum = *options.momentum();
  else if (module.is_training() && module.num_batches_tracked.defined())
    norm.momentum = 1 / static_cast<double>(module.num_batches_tracked.item<int64_t>());
  return norm;
}

at::Tensor batchNorm(const at::Tensor& x, const BatchNorm& norm, const at::Tensor& weight, const at::Tensor& bias) {
  return at::batch_norm(x, weight, bias, norm.running_mean, norm.running_var, norm.batch_statistics, norm.momentum,
                        norm.eps, false);
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

at::Tensor toTensor(const std::vector<double>& values) {
  auto tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

}  // namespace eegtorch::kernels
