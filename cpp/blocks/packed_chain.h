// A Sequential of image layers. In inference, batches of up to `most_images` go through packed weights, with batch
// norms folded into them and (leaky) ReLUs behind them; all else through `runFused`. More of 64 x 64 pixels than the
// default go faster through oneDNN, which then reorders weights for all of them.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include "kernels/kept.h"

namespace eegtorch {

struct PackedLayer;

class PackedChain {
 public:
  explicit PackedChain(const torch::nn::Sequential& layers, int64_t most_images = 4);
  ~PackedChain();

  // x (batch, channels, rows, columns) -> what the last layer gives
  at::Tensor forward(const at::Tensor& x);

 private:
  std::vector<PackedLayer> pack();

  torch::nn::Sequential layers_;
  int64_t most_images_;
  std::vector<at::Tensor> tensors_;
  kernels::Kept<std::vector<PackedLayer>> packed_;
};

}  // namespace eegtorch
