// LSTM layers (Hochreiter and Schmidhuber 1997) whose sequences go through time by themselves: each thread takes its
// share of the batch from the first sample to the last, products and gates in one loop, and waits for nobody between.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace eegtorch::kernels {

// As torch.nn.LSTM names them: (4 * hidden, in), (4 * hidden, hidden), and two biases of (4 * hidden).
struct LstmWeights {
  at::Tensor input, hidden, input_bias, hidden_bias;
};

bool lstmApplies(const at::Tensor& x, const LstmWeights& weights);

// Layer upon layer from states of zeros, with dropout between. x: (samples, batch, in) -> (samples, batch, hidden).
// Needs `lstmApplies`.
at::Tensor lstm(const at::Tensor& x, const std::vector<LstmWeights>& layers, double drop_prob, bool training);

}  // namespace eegtorch::kernels
