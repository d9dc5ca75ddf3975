// The kernels as operators of the namespace `eegtorch`, for networks that are written outside C++.
#include <torch/library.h>

#include "kernels/dropout.h"
#include "kernels/elu_pool.h"
#include "kernels/filter_bank.h"
#include "kernels/linear.h"

namespace eegtorch::kernels {

namespace {

using OptionalTensor = std::optional<at::Tensor>;

// A batch norm made of its tensors. Whoever owns them counts the batches.
torch::nn::BatchNorm2d batchNorm(int64_t channels, const OptionalTensor& weight, const OptionalTensor& bias,
                                 const OptionalTensor& running_mean, const OptionalTensor& running_var, bool training,
                                 double momentum, double eps) {
  for (const auto& tensor : {weight, bias, running_mean, running_var})
    TORCH_CHECK(!tensor || (tensor->dim() == 1 && tensor->size(0) == channels),
                "weight, bias and running statistics must have one number for each of ", channels, " channels");
  TORCH_CHECK(running_mean.has_value() == running_var.has_value(),
              "running_mean and running_var must be given together, or neither");
  torch::nn::BatchNorm2d module(
      torch::nn::BatchNorm2dOptions(channels).momentum(momentum).eps(eps).affine(false).track_running_stats(false));
  module->weight = weight.value_or(at::Tensor());
  module->bias = bias.value_or(at::Tensor());
  module->running_mean = running_mean.value_or(at::Tensor());
  module->running_var = running_var.value_or(at::Tensor());
  module->train(training);
  return module;
}

at::Tensor filterBankOperator(const at::Tensor& eeg, const at::Tensor& temporal, const OptionalTensor& weight,
                              const OptionalTensor& bias, const OptionalTensor& running_mean,
                              const OptionalTensor& running_var, bool training, double momentum, double eps,
                              const at::Tensor& spatial, int64_t padding) {
  TORCH_CHECK(eeg.dim() == 3, "eeg must be (batch, channels, samples)");
  TORCH_CHECK(temporal.dim() == 4 && temporal.size(0) >= 1 && temporal.size(1) == 1 && temporal.size(2) == 1,
              "temporal must be (filters, 1, 1, taps), with one filter or more");
  TORCH_CHECK(spatial.dim() == 4 && spatial.size(1) == 1 && spatial.size(2) == eeg.size(1) && spatial.size(3) == 1 &&
                  spatial.size(0) >= 1 && spatial.size(0) % temporal.size(0) == 0,
              "spatial must be (a multiple of the filters, 1, channels, 1)");
  TORCH_CHECK(padding >= 0, "padding must be 0 or more");
  auto norm = batchNorm(temporal.size(0), weight, bias, running_mean, running_var, training, momentum, eps);
  return filterBank(eeg, temporal, *norm, spatial, padding);
}

at::Tensor batchNormEluPoolOperator(const at::Tensor& x, const OptionalTensor& weight, const OptionalTensor& bias,
                                    const OptionalTensor& running_mean, const OptionalTensor& running_var,
                                    bool training, double momentum, double eps, int64_t kernel, int64_t stride,
                                    bool max) {
  TORCH_CHECK(x.dim() == 4 && x.size(2) == 1, "x must be (batch, channels, 1, samples)");
  TORCH_CHECK(kernel >= 1 && stride >= 1 && kernel <= x.size(3),
              "kernel and stride must be 1 or more, kernel within x");
  auto norm = batchNorm(x.size(1), weight, bias, running_mean, running_var, training, momentum, eps);
  return batchNormEluPool(x, *norm, {kernel, stride, max});
}

at::Tensor linearOperator(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
  return kernels::linear(x, weight, bias.value_or(at::Tensor()));
}

at::Tensor dropoutOperator(const at::Tensor& x, double probability, bool training) {
  TORCH_CHECK(probability >= 0 && probability <= 1, "probability must be from 0 to 1");
  return kernels::dropout(x, probability, training);
}

}  // namespace

TORCH_LIBRARY(eegtorch, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor", linearOperator);
  library.def("dropout(Tensor x, float probability, bool training) -> Tensor", dropoutOperator);
  library.def(
      "filter_bank(Tensor eeg, Tensor temporal, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
      "running_var, bool training, float momentum, float eps, Tensor spatial, int padding) -> Tensor",
      filterBankOperator);
  library.def(
      "batch_norm_elu_pool(Tensor x, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool "
      "training, float momentum, float eps, int kernel, int stride, bool max) -> Tensor",
      batchNormEluPoolOperator);
}

}  // namespace eegtorch::kernels
