// A linear layer: inference of few rows keeps its weights packed.
#pragma once

#include <torch/nn/modules/linear.h>

#include "kernels/kept.h"
#include "kernels/packed_product.h"

namespace eegtorch {

class PackedLinear {
 public:
  // weight (out, in), bias (out): parameters of a module, which may change. slope: what negative numbers are multiplied
  // by afterwards; 0 is ReLU, 1 nothing.
  PackedLinear(const at::Tensor& weight, const at::Tensor& bias, double slope = 1);
  explicit PackedLinear(const torch::nn::Linear& layer, double slope = 1)
      : PackedLinear(layer->weight, layer->bias, slope) {}

  // x (..., in) -> (..., out). training: of the module.
  at::Tensor forward(const at::Tensor& x, bool training);

 private:
  std::vector<at::Tensor> tensors_;
  double slope_;
  kernels::Kept<kernels::PackedProduct> packed_;
};

}  // namespace eegtorch
