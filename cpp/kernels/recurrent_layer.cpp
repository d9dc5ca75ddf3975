#include "kernels/recurrent_layer.h"

#include <ATen/Functions.h>

#include <algorithm>

namespace eegtorch::kernels {

namespace {

constexpr int64_t block = 32;  // rows of the input's products: they fill the registers and stay in the cache

// The bias that comes with the input's products: both, where the state's products are added to them.
at::Tensor joinedBias(const CellShape& shape, const RecurrentWeights& w, int64_t hidden) {
  const auto bias = shape.toBlocks(w.input_bias).clone();
  const int64_t first = shape.first_state * hidden, shared = shape.from_input * hidden - first;
  bias.narrow(0, first, shared).add_(w.hidden_bias.narrow(0, 0, shared));
  return bias;
}

std::vector<float> restOfBias(const CellShape& shape, const RecurrentWeights& w, int64_t hidden) {
  const int64_t count = (shape.blocks - shape.from_input) * hidden;
  const auto bias = w.hidden_bias.contiguous();
  const float* end = bias.const_data_ptr<float>() + bias.numel();
  return {end - count, end};
}

}  // namespace

CellShape CellShape::of(CellKind kind) {
  switch (kind) {
    case CellKind::lstm:
      return {4, 4, 0, 0, true, false, table().lstm};
    case CellKind::gru:
      return {4, 3, 1, 1, false, true, table().gru};
    case CellKind::tanh:
      return {1, 1, 0, 0, false, false, table().tanh};
    default:
      return {1, 1, 0, 0, false, false, table().relu};
  }
}

CellShape::CellShape(CellKind kind) : CellShape(of(kind)) {}

at::Tensor CellShape::toBlocks(const at::Tensor& weights) const {
  return turn == 0 ? weights : at::roll(weights, turn * (weights.size(0) / from_input), 0);
}

at::Tensor CellShape::fromBlocks(const at::Tensor& weights) const {
  return turn == 0 ? weights : at::roll(weights, -turn * (weights.size(0) / from_input), 0);
}

RecurrentLayer::RecurrentLayer(CellKind kind, const RecurrentWeights& w, bool reverse, int64_t sequences)
    : shape(kind),
      reverse(reverse),
      in(w.input.size(1)),
      hidden(w.hidden.size(1)),
      from_input_(at::cat({shape.toBlocks(w.input), joinedBias(shape, w, hidden).unsqueeze(1)}, 1).t(), block,
                  Reading::again),
      from_state_(w.hidden.t(), sequences, Reading::again),
      rest_(restOfBias(shape, w, hidden)) {}

void Sequences::project(int64_t begin, int64_t end, float* gates) const {
  const int64_t in = layer.in, wide = in + 1, rows = (end - begin) * count, width = layer.width();
  if (static_cast<int64_t>(inputs.size()) != rows * wide) inputs.assign(rows * wide, 1.f);
  float* to = inputs.data();
  for (int64_t t = begin; t < end; t++)
    for (int64_t i = 0; i < count; i++, to += wide) std::copy_n(x + (row(t) + i) * in, in, to);
  layer.from_input_.multiply(rows, inputs.data(), wide, gates, width, false);
  const int64_t reached = layer.shape.from_input * layer.hidden;
  if (reached < width)
    for (int64_t i = 0; i < rows; i++) std::copy(layer.rest_.begin(), layer.rest_.end(), gates + i * width + reached);
}

void Sequences::advance(int64_t t, float* gates, const float* cell_before, float* cell, bool keeps_gates) const {
  const float* before = stateIn(slotBefore(t));
  const int64_t hidden = layer.hidden;
  if (t != sampleAt(0))
    layer.from_state_.multiply(count, before, hidden, gates + layer.shape.first_state * hidden, layer.width(), true);
  layer.shape.cell.forward({gates, cell_before, cell, before, stateIn(slotAfter(t)), static_cast<size_t>(count),
                            static_cast<size_t>(hidden), keeps_gates});
}

}  // namespace eegtorch::kernels
