// A linear layer and what follows it: inference keeps its weights packed.
#pragma once

#include <torch/nn/modules/linear.h>

#include <optional>

#include "blocks/dropout.h"
#include "kernels/kept.h"
#include "kernels/packed_product.h"

namespace eegtorch {

class PackedLinear {
 public:
  using Activation = kernels::Activation;
  // Of a weight's rows those of one layer.
  struct Rows {
    int64_t first, count;
  };

  // weight (out, in), bias (out): parameters of a module, which may change.
  PackedLinear(const at::Tensor& weight, const at::Tensor& bias, Activation activation = {},
               std::optional<Rows> rows = {});
  explicit PackedLinear(const torch::nn::Linear& layer, Activation activation = {})
      : PackedLinear(layer->weight, layer->bias, activation) {}

  // x (..., in) -> (..., out). training: of the module.
  at::Tensor forward(const at::Tensor& x, bool training);
  // added (..., out) + dropout(forward(x)); training is what the dropout says.
  at::Tensor addTo(const at::Tensor& added, const at::Tensor& x, Dropout& dropout);

 private:
  // Where weights are packed; else undefined. added: undefined adds nothing.
  at::Tensor inferred(const at::Tensor& x, const at::Tensor& added, bool training);
  at::Tensor plain(const at::Tensor& x) const;
  at::Tensor own(const at::Tensor& parameter) const;

  std::vector<at::Tensor> tensors_;
  Activation activation_;
  std::optional<Rows> rows_;
  kernels::Kept<kernels::PackedProduct> packed_;
};

}  // namespace eegtorch
