#include "blocks/transformers_activation.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

namespace eegtorch {

namespace {

constexpr double kQuickGelu = 1.702;

at::Tensor quickGelu(const at::Tensor& x) {
  const auto scaled = x.mul(kQuickGelu);
  if (at::GradMode::is_enabled()) return scaled.sigmoid().mul(x);
  return scaled.sigmoid_().mul_(x);
}

}  // namespace

at::Tensor transformersActivation(const std::string& name, const at::Tensor& x) {
  if (name == "gelu") return at::gelu(x);
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return at::gelu(x, "tanh");
  if (name == "quick_gelu") return quickGelu(x);
  if (name == "relu") return at::relu(x);
  if (name == "silu") return at::silu(x);
  return name == "tanh" ? at::tanh(x) : at::sigmoid(x);
}

}  // namespace eegtorch
