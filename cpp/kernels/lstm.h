// One LSTM layer (Hochreiter and Schmidhuber 1997) with a backward of its own: input products for all time steps at
// once, gates in one vectorised loop, weight gradients as one product after the loop.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// As torch.nn.LSTM names them: (4 * hidden, in), (4 * hidden, hidden), and two biases of (4 * hidden).
struct LstmWeights {
  at::Tensor input, hidden, input_bias, hidden_bias;
};

bool lstmApplies(const at::Tensor& x, const LstmWeights& weights);

// From a state of zeros. x: (samples, batch, in) -> (samples, batch, hidden). Needs `lstmApplies`.
at::Tensor lstmLayer(const at::Tensor& x, const LstmWeights& weights);

}  // namespace eegtorch::kernels
