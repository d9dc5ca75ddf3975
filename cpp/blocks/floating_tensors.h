#pragma once

#include <torch/nn/module.h>

#include <vector>

namespace eegtorch {

// What a module computes from: its parameters, and its buffers but for counters of whole numbers.
inline std::vector<at::Tensor> floatingTensors(const torch::nn::Module& module) {
  auto tensors = module.parameters();
  for (const auto& buffer : module.buffers())
    if (buffer.is_floating_point()) tensors.push_back(buffer);
  return tensors;
}

}  // namespace eegtorch
