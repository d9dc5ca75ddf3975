#include "kernels/recurrent_backward.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "kernels/weight_sums.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t deep = 128;  // rows between two sums of the weights' gradients

// Pieces of a batch, as many whatever the number of threads, so that sums have the same bits on all: of 16 sequences or
// more, which fill the registers of products, but two of small batches; a power of two, which threads share evenly.
int64_t piecesOf(int64_t batch) {
  const auto pieces = std::clamp<int64_t>(batch / 16, std::clamp<int64_t>(batch / 4, 1, 2), 8);
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(pieces)));
}

float* pointer(const at::Tensor& tensor) { return tensor.defined() ? tensor.data_ptr<float>() : nullptr; }

// Of the input's and the state's weights, which lie side by side unless the cell keeps their products apart.
class ParameterSums {
 public:
  explicit ParameterSums(const RecurrentLayer& layer)
      : shape_(layer.shape),
        hidden_(layer.hidden),
        input_(shape_.from_input * hidden_,
               shape_.together() ? std::vector{layer.in, hidden_} : std::vector{layer.in}) {
    if (!shape_.together()) state_.emplace((shape_.blocks - shape_.first_state) * hidden_, std::vector{hidden_});
  }

  // d: (samples * rows, width), the gradients at the products.
  void add(int64_t samples, int64_t rows, const float* d, const GroupedRows& x, const GroupedRows& before) {
    const int64_t width = shape_.blocks * hidden_;
    if (!state_) return input_.add(samples, rows, d, width, {x, before});
    input_.add(samples, rows, d, width, {x});
    state_->add(samples, rows, d + shape_.first_state * hidden_, width, {before});
  }

  void add(const ParameterSums& other) {
    input_.add(other.input_);
    if (state_) state_->add(*other.state_);
  }

  void writeTo(RecurrentGradients& result) const {
    result.input = shape_.fromBlocks(input_.weight(0));
    result.input_bias = shape_.fromBlocks(input_.bias());
    result.hidden = state_ ? state_->weight(0) : input_.weight(1);
    result.hidden_bias = state_ ? state_->bias() : result.input_bias.clone();
  }

 private:
  const CellShape& shape_;
  int64_t hidden_;
  WeightSums input_;
  std::optional<WeightSums> state_;
};

struct Backward {
  const at::Tensor& grad;
  const float* x;
  const RecurrentLayer& layer;
  const PanelMatrix &to_state, &to_input;
  float *gates, *cells, *states, *dx;

  // Sequences [first, first + count).
  void run(int64_t first, int64_t count, ParameterSums& sums) const {
    const int64_t samples = grad.size(0), batch = grad.size(1), hidden = layer.hidden, width = layer.width();
    const Sequences s{layer, x, states, samples, batch, first, count};
    const int64_t at_once = std::max<int64_t>(1, deep / count);
    std::vector<float> dstate(count * hidden, 0.f), dcell(count * hidden, 0.f), d(at_once * count * width);
    for (int64_t end = samples; end > 0; end -= at_once) {
      const int64_t begin = std::max<int64_t>(0, end - at_once),
                    earliest = std::min(s.sampleAt(begin), s.sampleAt(end - 1));
      for (int64_t k = end - 1; k >= begin; k--) {
        const int64_t t = s.sampleAt(k);
        step(s, t, d.data() + (t - earliest) * count * width, dstate, dcell);
      }
      sums.add(end - begin, count, d.data(), {x + s.row(earliest) * layer.in, batch * layer.in},
               {s.stateIn(s.slotBefore(earliest)), batch * hidden});
    }
  }

 private:
  void step(const Sequences& s, int64_t t, float* d, std::vector<float>& dstate, std::vector<float>& dcell) const {
    const int64_t before = s.slotBefore(t), after = s.slotAfter(t), hidden = layer.hidden, width = layer.width();
    const auto cell = [&](int64_t slot) { return cells ? cells + s.row(slot) * hidden : nullptr; };
    layer.shape.cell.backward({gates ? gates + s.row(t) * width : nullptr, cell(before), cell(after), s.stateIn(before),
                               s.stateIn(after),
                               grad.const_data_ptr<float>() + t * grad.stride(0) + s.first * grad.stride(1),
                               static_cast<size_t>(grad.stride(1)), dstate.data(), dcell.data(), d,
                               static_cast<size_t>(s.count), static_cast<size_t>(hidden)});
    if (t != s.sampleAt(0))
      to_state.multiply(s.count, d + layer.shape.first_state * hidden, width, dstate.data(), hidden,
                        layer.shape.carries);
    if (dx) to_input.multiply(s.count, d, width, dx + s.row(t) * layer.in, layer.in, false);
  }
};

}  // namespace

RecurrentGradients recurrentBackward(const at::Tensor& grad, const at::Tensor& x, const RecurrentLayer& layer,
                                     const RecurrentWeights& weights, const RecurrentSaved& saved, bool wants_x) {
  const int64_t batch = grad.size(1), pieces = piecesOf(batch), count = (batch + pieces - 1) / pieces;
  const PanelMatrix to_state(weights.hidden, count), to_input(layer.shape.toBlocks(weights.input), count);
  RecurrentGradients result;
  if (wants_x) result.x = at::empty_like(x);
  const Backward backward{grad,
                          x.const_data_ptr<float>(),
                          layer,
                          to_state,
                          to_input,
                          pointer(saved.gates),
                          pointer(saved.cell),
                          pointer(saved.state),
                          pointer(result.x)};
  std::vector<std::optional<ParameterSums>> sums(pieces);
  at::parallel_for(0, pieces, 1, [&](int64_t from, int64_t to) {
    for (int64_t piece = from; piece < to; piece++) {
      sums[piece].emplace(layer);
      const int64_t first = batch * piece / pieces;
      backward.run(first, batch * (piece + 1) / pieces - first, *sums[piece]);
    }
  });
  for (int64_t piece = 1; piece < pieces; piece++) sums[0]->add(*sums[piece]);
  sums[0]->writeTo(result);
  return result;
}

}  // namespace eegtorch::kernels
