#include "blocks/layers.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include <cmath>

#include "core/allocator.h"
#include "kernels/convolve3x3.h"
#include "kernels/group_norm.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

thread_local bool without_initialisation = false;
constexpr size_t kSmallestReserved = size_t{1} << 16;

at::Tensor emptyWeight(at::IntArrayRef shape) {
  if (!without_initialisation) return at::empty(shape);
  const size_t bytes = at::empty(shape, at::kMeta).nbytes();
  if (bytes < kSmallestReserved) return at::empty(shape);
  const c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, reserveUntouched(bytes), nullptr, false);
  return at::empty({0}).set_(storage, 0, shape);
}

}  // namespace

WithoutInitialisation::WithoutInitialisation() : before_(without_initialisation) { without_initialisation = true; }
WithoutInitialisation::~WithoutInitialisation() { without_initialisation = before_; }
bool WithoutInitialisation::active() { return without_initialisation; }

WeightedImpl::WeightedImpl(at::IntArrayRef weight_shape, int64_t bias_length) {
  weight = register_parameter("weight", emptyWeight(weight_shape));
  if (bias_length > 0) bias = register_parameter("bias", emptyWeight({bias_length}));
}

void WeightedImpl::drawUniform(int64_t fan_in) {
  if (WithoutInitialisation::active()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  torch::nn::init::uniform_(weight, -bound, bound);
  if (bias.defined()) torch::nn::init::uniform_(bias, -bound, bound);
}

void WeightedImpl::begin(double weight_value) {
  if (WithoutInitialisation::active()) return;
  torch::nn::init::constant_(weight, weight_value);
  if (bias.defined()) torch::nn::init::zeros_(bias);
}

LinearImpl::LinearImpl(int64_t in, int64_t out, bool with_bias) : WeightedImpl({out, in}, with_bias ? out : 0) {
  drawUniform(in);
}

at::Tensor LinearImpl::forward(const at::Tensor& x) { return kernels::linear(x, weight, bias); }

Conv2dImpl::Conv2dImpl(int64_t in, int64_t out, int64_t kernel, const Conv2dShape& shape)
    : WeightedImpl({out, in, kernel, kernel}, shape.bias ? out : 0), stride_(shape.stride), padding_(shape.padding) {
  drawUniform(in * kernel * kernel);
}

at::Tensor Conv2dImpl::forward(const at::Tensor& x) {
  if (stride_ == 1 && padding_ == 1 && kernels::convolves3x3(x, weight, bias))
    return kernels::convolve3x3(x, weight, bias);
  return at::conv2d(x, weight, bias, {stride_, stride_}, {padding_, padding_});
}

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double eps)
    : WeightedImpl({channels}, channels), groups_(groups), eps_(eps) {
  begin(1);
}

at::Tensor GroupNormImpl::forward(const at::Tensor& x) {
  return kernels::groupNorm(x, weight, bias, {.groups = groups_, .eps = eps_, .silu = false});
}

at::Tensor GroupNormImpl::forwardSilu(const at::Tensor& x) {
  return kernels::groupNorm(x, weight, bias, {.groups = groups_, .eps = eps_, .silu = true});
}

LayerNormImpl::LayerNormImpl(int64_t width, double eps, const LayerNormShape& shape)
    : WeightedImpl({width}, shape.bias ? width : 0), eps_(eps) {
  begin(1);
}

at::Tensor LayerNormImpl::forward(const at::Tensor& x) { return at::layer_norm(x, weight.sizes(), weight, bias, eps_); }

RmsNormImpl::RmsNormImpl(int64_t width, double eps) : WeightedImpl({width}, 0), eps_(eps) { begin(1); }

at::Tensor RmsNormImpl::forward(const at::Tensor& x) {
  const auto wide = x.to(at::kFloat);
  const auto scaled = wide * at::rsqrt(wide.square().mean(-1, true) + eps_);
  return weight * scaled.to(x.scalar_type());
}

EmbeddingImpl::EmbeddingImpl(int64_t count, int64_t width) : WeightedImpl({count, width}, 0) {
  if (!WithoutInitialisation::active()) torch::nn::init::normal_(weight);
}

at::Tensor EmbeddingImpl::forward(const at::Tensor& ids) { return at::embedding(weight, ids); }

}  // namespace eegtorch
