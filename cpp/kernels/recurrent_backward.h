// Backward in time through one recurrent layer. Each thread takes its share of the sequences from the last sample to
// the first and sums up the gradients of the weights every few samples, so that the gradients at the products, as large
// as all gates, never leave its cache.
#pragma once

#include "kernels/recurrent_layer.h"

namespace eegtorch::kernels {

// What backward needs of every sample: (samples, batch, width), and (samples + 1, batch, hidden) twice; undefined if
// not needed.
struct RecurrentSaved {
  at::Tensor gates, cell, state;
};

struct RecurrentGradients {
  at::Tensor x;                                       // undefined unless wanted
  at::Tensor input, hidden, input_bias, hidden_bias;  // as in RecurrentWeights
};

// grad: at the states, (samples, batch, hidden), each row contiguous. x: (samples, batch, in), contiguous.
RecurrentGradients recurrentBackward(const at::Tensor& grad, const at::Tensor& x, const RecurrentLayer& layer,
                                     const RecurrentWeights& weights, const RecurrentSaved& saved, bool wants_x);

}  // namespace eegtorch::kernels
