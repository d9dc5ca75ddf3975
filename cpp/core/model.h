// What every network is to the rest of the library: a LibTorch module with named inputs and outputs.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

class ModelImpl : public torch::nn::Module {
 public:
  // inputs and outputs: in the order of the registry's entry. Shapes are checked, SHAPE_MISMATCH otherwise.
  virtual std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) = 0;

  // Names in older checkpoints of the reference -> names of today; both are accepted on loading.
  virtual std::unordered_map<std::string, std::string> olderNames() const { return {}; }
};
using Model = std::shared_ptr<ModelImpl>;

}  // namespace eegtorch
