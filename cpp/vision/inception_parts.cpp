#include "vision/inception_parts.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "kernels/convolve3x3.h"

namespace eegtorch {

namespace {

constexpr double kEps = 1e-3;

}  // namespace

InceptionKernelImpl::InceptionKernelImpl(int64_t in, int64_t out, const InceptionConvShape& shape)
    : WeightedImpl({out, in, shape.kernel[0], shape.kernel[1]}, 0), shape_(shape) {
  drawUniform(in * shape.kernel[0] * shape.kernel[1]);
}

at::Tensor InceptionKernelImpl::forward(const at::Tensor& x) { return convolve(x, weight, {}); }

at::Tensor InceptionKernelImpl::forward(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  return convolve(x, weight * scale.view({-1, 1, 1, 1}), shift);
}

at::Tensor InceptionKernelImpl::convolve(const at::Tensor& x, const at::Tensor& kernels, const at::Tensor& bias) const {
  const bool keeps_size = shape_.stride == 1 && shape_.padding == std::array<int64_t, 2>{1, 1};
  // What winograd rounds has once grown past the tolerance of gradients on its way through so many batch norms.
  if (keeps_size && !at::GradMode::is_enabled() && kernels::convolves3x3(x, kernels, bias))
    return kernels::convolve3x3(x, kernels, bias);
  return at::conv2d(x, kernels, bias, {shape_.stride, shape_.stride}, shape_.padding);
}

InceptionConvImpl::InceptionConvImpl(int64_t in, int64_t out, const InceptionConvShape& shape) {
  conv_ = register_module("conv", InceptionKernel(in, out, shape));
  bn_ = register_module("bn", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(out).eps(kEps)));
}

at::Tensor InceptionConvImpl::forward(const at::Tensor& x) {
  if (!at::GradMode::is_enabled() && !is_training()) return infer(x);
  return at::relu(bn_->forward(conv_->forward(x)));
}

at::Tensor InceptionConvImpl::infer(const at::Tensor& x) {
  const auto scale = bn_->weight * at::rsqrt(bn_->running_var + kEps);
  auto y = conv_->forward(x, scale, bn_->bias - bn_->running_mean * scale);
  return at::relu_(y);
}

InceptionModuleImpl::InceptionModuleImpl(int64_t in, const std::vector<InceptionBranch>& branches,
                                         const InceptionPool& pool) {
  for (const auto& branch : branches) out_ += add(in, branch);
  out_ += pool.out > 0 ? pool.out : in;
  if (pool.out > 0) pool_ = register_module("branch_pool", InceptionConv(in, pool.out));
}

int64_t InceptionModuleImpl::add(int64_t in, const InceptionBranch& branch) {
  Branch made;
  for (const auto& [name, out, shape] : branch.steps) {
    made.steps.push_back(register_module(name, InceptionConv(in, out, shape)));
    in = out;
  }
  int64_t total = 0;
  for (const auto& [name, out, shape] : branch.side_by_side) {
    made.side_by_side.push_back(register_module(name, InceptionConv(in, out, shape)));
    total += out;
  }
  branches_.push_back(std::move(made));
  return total > 0 ? total : in;
}

at::Tensor InceptionModuleImpl::forward(const at::Tensor& x) {
  std::vector<at::Tensor> parts;
  for (auto& [steps, side_by_side] : branches_) {
    auto y = x;
    for (auto& step : steps) y = step->forward(y);
    if (side_by_side.empty()) parts.push_back(y);
    for (auto& step : side_by_side) parts.push_back(step->forward(y));
  }
  parts.push_back(pool_ ? pool_->forward(at::avg_pool2d(x, 3, 1, 1)) : at::max_pool2d(x, 3, 2));
  return at::cat(parts, 1);
}

}  // namespace eegtorch
