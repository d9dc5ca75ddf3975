#include "blocks/activation.h"

#include <ATen/Functions.h>

#include <utility>

#include "kernels/elu_pool.h"

namespace eegtorch {

namespace {

using Function = at::Tensor (*)(const at::Tensor&);

constexpr double kSafeLogFloor = 1e-6;  // braindecode.modules.SafeLog

// PReLU is not here: it has a weight.
const std::pair<const char*, Function> kFunctions[] = {
    {"ELU", kernels::elu},
    {"ReLU", [](const at::Tensor& x) { return at::relu(x); }},
    {"LeakyReLU", [](const at::Tensor& x) { return at::leaky_relu(x); }},
    {"GELU", [](const at::Tensor& x) { return at::gelu(x); }},
    {"SiLU", [](const at::Tensor& x) { return at::silu(x); }},
    {"Tanh", [](const at::Tensor& x) { return at::tanh(x); }},
    {"Sigmoid", [](const at::Tensor& x) { return at::sigmoid(x); }},
    {"SELU", [](const at::Tensor& x) { return at::selu(x); }},
    {"CELU", [](const at::Tensor& x) { return at::celu(x); }},
    {"Softplus", [](const at::Tensor& x) { return at::softplus(x); }},
    {"Mish", [](const at::Tensor& x) { return at::mish(x); }},
    {"Hardswish", [](const at::Tensor& x) { return at::hardswish(x); }},
    {"Hardtanh", [](const at::Tensor& x) { return at::hardtanh(x); }},
    {"ReLU6", [](const at::Tensor& x) { return at::hardtanh(x, 0, 6); }},
    {"Softsign", [](const at::Tensor& x) { return x / (x.abs() + 1); }},
    {"Tanhshrink", [](const at::Tensor& x) { return x - x.tanh(); }},
    {"Softshrink", [](const at::Tensor& x) { return at::softshrink(x); }},
    {"Hardshrink", [](const at::Tensor& x) { return at::hardshrink(x); }},
    {"Hardsigmoid", [](const at::Tensor& x) { return at::hardsigmoid(x); }},
    {"LogSigmoid", [](const at::Tensor& x) { return at::log_sigmoid(x); }},
    {"Identity", [](const at::Tensor& x) { return x; }},
    {"Square", [](const at::Tensor& x) { return x * x; }},
    {"SafeLog", [](const at::Tensor& x) { return at::log(at::clamp_min(x, kSafeLogFloor)); }},
};
static_assert(std::size(kFunctions) + 1 == kActivations.size(), "every name has a function");

Function find(const std::string& name) {
  for (const auto& [known, function] : kFunctions)
    if (name == known) return function;
  return nullptr;
}

}  // namespace

ActivationImpl::ActivationImpl(const ActivationName& name) : name_(name.value), function_(find(name.value)) {
  if (name_ == "PReLU") weight_ = register_parameter("weight", at::full({1}, 0.25));
}

at::Tensor ActivationImpl::forward(const at::Tensor& x) { return function_ ? function_(x) : at::prelu(x, weight_); }

}  // namespace eegtorch
