// Lists of tensors; and tensors by name, in an order that matters: a state dict, an optimiser's state.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace eegtorch {

using Tensors = std::vector<at::Tensor>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

}  // namespace eegtorch
