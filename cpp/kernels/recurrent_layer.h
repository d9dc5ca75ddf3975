// One recurrent layer in one direction, as `recurrent` runs it: how its cell lays out products, its weights ready to be
// multiplied with, and single time steps.
#pragma once

#include "kernels/dispatch.h"
#include "kernels/panel_matrix.h"
#include "kernels/recurrent.h"

namespace eegtorch::kernels {

// A step's products lie side by side in blocks of `hidden` numbers: the input's in the first ones, the state's in the
// last ones, added up where both are. A GRU keeps them apart for n, whose state's part is gated: n | r | z | n's state.
struct CellShape {
  int64_t blocks;
  int64_t from_input;   // blocks [0, from_input)
  int64_t first_state;  // blocks [first_state, blocks)
  int64_t turn;         // blocks that the input's weights are turned on by from LibTorch's order
  bool has_cell;
  bool carries;  // whether a state reaches the next one without a product, too
  const Cell& cell;

  explicit CellShape(CellKind kind);

  bool together() const { return from_input == blocks && first_state == 0; }
  // The input's weights or bias, (from_input * hidden, ...), from LibTorch's order to the blocks', and back.
  at::Tensor toBlocks(const at::Tensor& weights) const;
  at::Tensor fromBlocks(const at::Tensor& weights) const;

 private:
  CellShape(int64_t blocks, int64_t from_input, int64_t first_state, int64_t turn, bool has_cell, bool carries,
            const Cell& cell)
      : blocks(blocks),
        from_input(from_input),
        first_state(first_state),
        turn(turn),
        has_cell(has_cell),
        carries(carries),
        cell(cell) {}
  static CellShape of(CellKind kind);
};

class RecurrentLayer {
 public:
  // sequences: that a thread takes at a time.
  RecurrentLayer(CellKind kind, const RecurrentWeights& weights, bool reverse, int64_t sequences);

  const CellShape shape;
  const bool reverse;  // from the last sample to the first
  const int64_t in, hidden;

  int64_t width() const { return shape.blocks * hidden; }  // of a sequence's products

 private:
  friend struct Sequences;
  PanelMatrix from_input_;   // (in + 1, from_input * hidden): the last row is the bias
  PanelMatrix from_state_;   // (hidden, (blocks - first_state) * hidden)
  std::vector<float> rest_;  // bias of the blocks that the input does not reach
};

// Some sequences of a batch on their way through a layer.
struct Sequences {
  const RecurrentLayer& layer;
  const float* x;  // (samples, batch, in)
  float* state;    // (samples + 1, batch, hidden), zeros before the first step
  int64_t samples, batch, first, count;
  mutable std::vector<float> inputs = {};  // scratch of `project`

  // The sample of the k-th step.
  int64_t sampleAt(int64_t k) const { return layer.reverse ? samples - 1 - k : k; }
  int64_t row(int64_t t) const { return t * batch + first; }
  int64_t slotBefore(int64_t t) const { return layer.reverse ? t + 1 : t; }
  int64_t slotAfter(int64_t t) const { return layer.reverse ? t : t + 1; }
  float* stateIn(int64_t slot) const { return state + row(slot) * layer.hidden; }

  // The input's products of samples [begin, end), and biases, into gates (end - begin, count, width).
  void project(int64_t begin, int64_t end, float* gates) const;
  // The step of sample t: gates hold the input's products, and what backward needs afterwards if they are kept.
  void advance(int64_t t, float* gates, const float* cell_before, float* cell, bool keeps_gates) const;
};

}  // namespace eegtorch::kernels
