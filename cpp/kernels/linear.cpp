#include "kernels/linear.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

using OneDnnLinear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                std::string_view, c10::List<std::optional<at::Scalar>>,
                                std::optional<std::string_view>);

constexpr int64_t kFewestRows = 8;               // below, MKL is the faster one
constexpr int64_t kSmallestWeight = 256 * 1024;  // likewise

// LibTorch's own operator, which its header lacks; nothing where it is built without oneDNN.
const std::optional<c10::TypedOperatorHandle<OneDnnLinear>>& oneDnnLinear() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<OneDnnLinear>> {
    if (!at::globalContext().hasMKLDNN()) return std::nullopt;
    const auto handle = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!handle) return std::nullopt;
    return handle->typed<OneDnnLinear>();
  }();
  return found;
}

bool tracked(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!at::GradMode::is_enabled()) return false;
  return x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad());
}

bool manyRows(const at::Tensor& x, const at::Tensor& weight) {
  return x.dim() >= 2 && weight.dim() == 2 && weight.numel() >= kSmallestWeight && x.size(-1) == weight.size(1) &&
         x.numel() >= kFewestRows * weight.size(1);
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool fast = manyRows(x, weight) && weight.is_contiguous() && !tracked(x, weight, bias) &&
                    applies({x, weight, bias}) && at::globalContext().userEnabledMkldnn() && oneDnnLinear();
  if (!fast) return at::linear(x, weight, bias);
  const auto added = bias.defined() ? std::optional(bias) : std::nullopt;
  return oneDnnLinear()->call(x, weight, added, "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

}  // namespace eegtorch::kernels
