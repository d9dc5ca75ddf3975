// A Sequential of image layers. A few images in inference go through packed weights, with batch norms folded into them
// and (leaky) ReLUs behind them; all else through `runFused`.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include "kernels/kept.h"

namespace eegtorch {

struct PackedLayer;

class PackedChain {
 public:
  explicit PackedChain(const torch::nn::Sequential& layers);
  ~PackedChain();

  // x (batch, channels, rows, columns) -> what the last layer gives
  at::Tensor forward(const at::Tensor& x);

 private:
  std::vector<PackedLayer> pack();

  torch::nn::Sequential layers_;
  std::vector<at::Tensor> tensors_;
  kernels::Kept<std::vector<PackedLayer>> packed_;
};

}  // namespace eegtorch
