// What every network is to the rest of the library: a LibTorch module with named inputs and outputs.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace eegtorch {

class ModelImpl : public torch::nn::Module {
 public:
  // inputs: as listed by `inputs()`; returns as listed by `outputs()`. Shapes are checked, SHAPE_MISMATCH otherwise.
  virtual std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) = 0;
};
using Model = std::shared_ptr<ModelImpl>;

}  // namespace eegtorch
