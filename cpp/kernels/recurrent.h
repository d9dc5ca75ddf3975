// Recurrent layers whose sequences go through time by themselves: each thread takes its share of the batch from the
// first sample to the last, products and gates in one loop, and waits for nobody between.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <vector>

#include "kernels/kept.h"

namespace eegtorch::kernels {

// LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014), and Elman's (1990) with either nonlinearity.
enum class CellKind { lstm, gru, tanh, relu };

// As torch.nn.LSTM, GRU and RNN name them: (blocks * hidden, in), (blocks * hidden, hidden), and two biases of
// (blocks * hidden), where an LSTM has 4 blocks, a GRU 3, the others 1.
struct RecurrentWeights {
  at::Tensor input, hidden, input_bias, hidden_bias;
};

struct RecurrentStack {
  CellKind kind;
  // First layer first; of a bidirectional one the weights forward in time, then those backward.
  std::vector<RecurrentWeights> layers;
  bool bidirectional = false;
  double drop_prob = 0;  // between layers

  // flat: as `RNNImplBase::all_weights()` lists them.
  RecurrentStack(CellKind kind, const std::vector<at::Tensor>& flat, bool bidirectional, double drop_prob);
};

class RecurrentLayer;

// The layers of one stack as inference runs them, kept from call to call.
class KeptLayers {
 public:
  using Layers = std::vector<RecurrentLayer>;

  // Null where gradients or training forbid. sequences: that a thread takes at a time.
  std::shared_ptr<const Layers> inferring(const ForwardPass& pass, const RecurrentStack& stack, int64_t sequences);
  void drop();

 private:
  std::array<Kept<Layers>, 3> kept_;  // by the width of their panels: 2, 4 or 8 vectors
};

bool recurrentApplies(const at::Tensor& x, const RecurrentStack& stack);

// From states of zeros. x: (samples, batch, in) -> (samples, batch, hidden), or 2 * hidden when bidirectional. Needs
// `recurrentApplies`. kept: of this stack.
at::Tensor recurrent(const RecurrentStack& stack, const at::Tensor& x, bool training, KeptLayers& kept);

}  // namespace eegtorch::kernels
