// An elementwise nonlinearity chosen by the name of its torch.nn (or braindecode.modules) class, with that class's
// default arguments.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <string>

#include "core/config.h"

namespace eegtorch {

inline constexpr std::array kActivations = {
    "ELU",        "ReLU",       "LeakyReLU",   "GELU",       "SiLU",     "Tanh",     "Sigmoid",  "SELU",
    "CELU",       "Softplus",   "Mish",        "Hardswish",  "Hardtanh", "ReLU6",    "Softsign", "Tanhshrink",
    "Softshrink", "Hardshrink", "Hardsigmoid", "LogSigmoid", "PReLU",    "Identity", "Square",   "SafeLog",
};
using ActivationName = OneOf<kActivations>;

class ActivationImpl : public torch::nn::Module {
 public:
  explicit ActivationImpl(const ActivationName& name);
  at::Tensor forward(const at::Tensor& x);
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  at::Tensor (*function_)(const at::Tensor&);
  at::Tensor weight_;  // of PReLU alone
};
TORCH_MODULE(Activation);

}  // namespace eegtorch
