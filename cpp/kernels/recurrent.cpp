#include "kernels/recurrent.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>

#include "kernels/dropout.h"
#include "kernels/plain.h"
#include "kernels/recurrent_backward.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t grain = 8;  // sequences that a thread takes at least
// Without gradients: sequences that a task takes at most, and samples that a layer finishes before the next one takes
// them. Few, as the first layer's are a time in which the others have nothing to do, and the last one's likewise.
constexpr int64_t most = 32, chunk = 8;

at::Tensor plainLayer(CellKind kind, bool reverse, const variable_list& in) {
  const auto x = reverse ? in[0].flip(0) : in[0];
  const auto zeros = at::zeros({1, x.size(1), in[2].size(1)}, x.options());
  const std::vector<at::Tensor> weights(in.begin() + 1, in.end()), both = {zeros, zeros};
  const auto run = [&] {
    if (kind == CellKind::lstm) return std::get<0>(at::lstm(x, both, weights, true, 1, 0, false, false, false));
    if (kind == CellKind::gru) return std::get<0>(at::gru(x, zeros, weights, true, 1, 0, false, false, false));
    if (kind == CellKind::tanh) return std::get<0>(at::rnn_tanh(x, zeros, weights, true, 1, 0, false, false, false));
    return std::get<0>(at::rnn_relu(x, zeros, weights, true, 1, 0, false, false, false));
  };
  return reverse ? run().flip(0) : run();
}

// (samples + 1, batch, hidden) of which the first step's is zeros.
at::Tensor emptyStates(const at::Tensor& x, int64_t hidden, bool reverse) {
  auto states = at::empty({x.size(0) + 1, x.size(1), hidden}, x.options());
  states.select(0, reverse ? x.size(0) : 0).zero_();
  return states;
}

// The states after each sample.
at::Tensor statesAfter(const at::Tensor& states, bool reverse) {
  return states.narrow(0, reverse ? 0 : 1, states.size(0) - 1);
}

RecurrentSaved forwardSaving(const at::Tensor& x, const RecurrentLayer& layer) {
  const int64_t samples = x.size(0), batch = x.size(1), hidden = layer.hidden, width = layer.width();
  RecurrentSaved saved{{}, {}, emptyStates(x, hidden, layer.reverse)};
  if (layer.shape.has_cell) saved.cell = emptyStates(x, hidden, layer.reverse);
  if (layer.shape.blocks > 1) saved.gates = at::empty({samples, batch, width}, x.options());
  float* states = saved.state.data_ptr<float>();
  float* cells = saved.cell.defined() ? saved.cell.data_ptr<float>() : nullptr;
  float* all_gates = saved.gates.defined() ? saved.gates.data_ptr<float>() : nullptr;
  at::parallel_for(0, batch, grain, [&](int64_t first, int64_t last) {
    const Sequences s{layer, x.const_data_ptr<float>(), states, samples, batch, first, last - first};
    for (int64_t k = 0; k < samples; k++) {
      const int64_t t = s.sampleAt(k);
      float* gates = all_gates ? all_gates + s.row(t) * width : s.stateIn(s.slotAfter(t));
      const auto cell = [&](int64_t slot) { return cells ? cells + s.row(slot) * hidden : nullptr; };
      s.project(t, t + 1, gates);
      s.advance(t, gates, cell(s.slotBefore(t)), cell(s.slotAfter(t)), true);
    }
  });
  return saved;
}

// The rows as they lie, if each is contiguous; else a copy.
at::Tensor withWholeRows(const at::Tensor& grad) {
  const bool whole = grad.stride(2) == 1 && grad.stride(1) >= grad.size(2);
  return whole ? grad : grad.contiguous();
}

struct Layer : torch::autograd::Function<Layer> {
  static at::Tensor forward(AutogradContext* ctx, int64_t kind, bool reverse, const at::Tensor& x,
                            const at::Tensor& input, const at::Tensor& hidden, const at::Tensor& input_bias,
                            const at::Tensor& hidden_bias) {
    const RecurrentLayer layer(static_cast<CellKind>(kind), {input, hidden, input_bias, hidden_bias}, reverse,
                               x.size(1));
    const RecurrentSaved saved = forwardSaving(x, layer);
    ctx->save_for_backward({x, input, hidden, input_bias, hidden_bias, saved.gates, saved.cell, saved.state});
    ctx->saved_data["kind"] = kind;
    ctx->saved_data["reverse"] = reverse;
    return statesAfter(saved.state, reverse);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto kind = static_cast<CellKind>(ctx->saved_data["kind"].toInt());
    const bool reverse = ctx->saved_data["reverse"].toBool();
    variable_list result(2);  // kind and direction have none
    if (at::GradMode::is_enabled()) {
      std::vector<bool> needed;
      for (size_t i = 0; i < 5; i++) needed.push_back(ctx->needs_input_grad(i + 2));
      const auto plain = [&](const variable_list& in) { return plainLayer(kind, reverse, in); };
      const auto found = plainGradients(plain, variable_list(saved.begin(), saved.begin() + 5), grads[0], needed);
      result.insert(result.end(), found.begin(), found.end());
      return result;
    }
    const auto& x = saved[0];
    const RecurrentWeights weights{saved[1], saved[2], saved[3], saved[4]};
    const RecurrentLayer layer(kind, weights, reverse, x.size(1));
    const auto found = recurrentBackward(withWholeRows(grads[0]), x, layer, weights, {saved[5], saved[6], saved[7]},
                                         ctx->needs_input_grad(2));
    result.insert(result.end(), {found.x, found.input, found.hidden, found.input_bias, found.hidden_bias});
    return result;
  }
};

// Layers without gradients: nothing is kept but the states.
class Inference {
 public:
  Inference(int64_t samples, int64_t batch)
      : samples_(samples),
        batch_(batch),
        count_(std::min(most, (batch + at::get_num_threads() - 1) / at::get_num_threads())),
        pieces_((batch + count_ - 1) / count_) {}

  int64_t sequences() const { return count_; }

  // Layers work at the same time, each on the samples that the one below has just finished, so that a single sequence
  // occupies several threads as well.
  at::Tensor upwards(const at::Tensor& x, const std::vector<RecurrentLayer>& layers) {
    for (const auto& layer : layers) add(stages_.empty() ? x : statesAfter(stages_.back().states, false), layer);
    const int64_t depth = static_cast<int64_t>(stages_.size()), chunks = (samples_ + chunk - 1) / chunk;
    for (int64_t wave = 0; wave < chunks + depth - 1; wave++)
      each(depth, [&](int64_t stage, int64_t piece) {
        const int64_t begin = (wave - stage) * chunk;
        if (begin >= 0 && begin < samples_) run(stages_[stage], piece, begin, std::min(samples_, begin + chunk));
      });
    return statesAfter(stages_.back().states, false);
  }

  // One layer, forward and backward in time at once.
  at::Tensor bothWays(const at::Tensor& x, const RecurrentLayer& forward, const RecurrentLayer& backward) {
    stages_.clear();
    add(x, forward);
    add(x, backward);
    each(2, [&](int64_t stage, int64_t piece) { run(stages_[stage], piece, 0, samples_); });
    return at::cat({statesAfter(stages_[0].states, false), statesAfter(stages_[1].states, true)}, 2);
  }

 private:
  struct Stage {
    const RecurrentLayer& layer;
    at::Tensor x, states, cells;
  };

  void add(const at::Tensor& x, const RecurrentLayer& layer) {
    stages_.push_back(
        {layer, x, emptyStates(x, layer.hidden, layer.reverse), at::zeros({batch_, layer.hidden}, x.options())});
  }

  // body(stage, piece of the batch), in parallel.
  template <class Body>
  void each(int64_t stages, const Body& body) const {
    at::parallel_for(0, pieces_ * stages, 1, [&](int64_t from, int64_t to) {
      for (int64_t task = from; task < to; task++) body(task % stages, task / stages);
    });
  }

  // Steps [begin, end) of a piece of the batch.
  void run(const Stage& stage, int64_t piece, int64_t begin, int64_t end) const {
    const int64_t first = piece * count_, mine = std::min(count_, batch_ - first), width = stage.layer.width();
    const Sequences s{
        stage.layer, stage.x.const_data_ptr<float>(), stage.states.data_ptr<float>(), samples_, batch_, first, mine};
    float* cell = stage.cells.data_ptr<float>() + first * stage.layer.hidden;
    const int64_t at_once = std::clamp<int64_t>(most / mine, 1, chunk);
    std::vector<float> gates(at_once * mine * width);
    for (int64_t k = begin; k < end; k += at_once) {
      const int64_t stop = std::min(end, k + at_once), earliest = std::min(s.sampleAt(k), s.sampleAt(stop - 1));
      s.project(earliest, earliest + stop - k, gates.data());
      for (int64_t step = k; step < stop; step++) {
        const int64_t t = s.sampleAt(step);
        s.advance(t, gates.data() + (t - earliest) * mine * width, cell, cell, false);
      }
    }
  }

  int64_t samples_, batch_, count_, pieces_;
  std::vector<Stage> stages_;
};

at::Tensor infer(Inference& inference, at::Tensor x, const KeptLayers::Layers& layers, bool bidirectional) {
  if (!bidirectional) return inference.upwards(x, layers);
  for (size_t i = 0; i < layers.size(); i += 2) x = inference.bothWays(x, layers[i], layers[i + 1]);
  return x;
}

}  // namespace

RecurrentStack::RecurrentStack(CellKind kind, const std::vector<at::Tensor>& flat, bool bidirectional, double drop_prob)
    : kind(kind), bidirectional(bidirectional), drop_prob(drop_prob) {
  for (size_t i = 0; i < flat.size(); i += 4) layers.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
}

std::shared_ptr<const KeptLayers::Layers> KeptLayers::inferring(const ForwardPass& pass, const RecurrentStack& stack,
                                                                int64_t sequences) {
  std::vector<at::Tensor> weights;
  for (const auto& w : stack.layers) weights.insert(weights.end(), {w.input, w.hidden, w.input_bias, w.hidden_bias});
  const Keeping keeping = keepingOf(pass, weights);
  if (keeping == Keeping::dropped) drop();
  if (keeping != Keeping::used) return nullptr;
  return kept_.at(std::countr_zero(static_cast<uint64_t>(PanelMatrix::vectorsFor(sequences))) - 1).get(weights, [&] {
    const at::NoGradGuard no_grad;
    Layers layers;
    for (size_t i = 0; i < stack.layers.size(); i++)
      layers.emplace_back(stack.kind, stack.layers[i], stack.bidirectional && i % 2 == 1, sequences);
    return layers;
  });
}

void KeptLayers::drop() {
  for (auto& kept : kept_) kept.drop();
}

bool recurrentApplies(const at::Tensor& x, const RecurrentStack& stack) {
  const auto& w = stack.layers.at(0);
  return applies({x, w.input, w.hidden, w.input_bias, w.hidden_bias});
}

at::Tensor recurrent(const RecurrentStack& stack, const at::Tensor& x, bool training, KeptLayers& kept) {
  auto y = x.contiguous();
  Inference inference(y.size(0), y.size(1));
  if (const auto layers = kept.inferring({training, y}, stack, inference.sequences()))
    return infer(inference, y, *layers, stack.bidirectional);
  const auto layer = [&](const RecurrentWeights& w, bool reverse) {
    return Layer::apply(static_cast<int64_t>(stack.kind), reverse, y, w.input, w.hidden, w.input_bias, w.hidden_bias);
  };
  const size_t directions = stack.bidirectional ? 2 : 1;
  for (size_t i = 0; i < stack.layers.size(); i += directions) {
    if (i > 0) y = kernels::dropout(y, stack.drop_prob, training);
    y = stack.bidirectional ? at::cat({layer(stack.layers[i], false), layer(stack.layers[i + 1], true)}, 2)
                            : layer(stack.layers[i], false);
  }
  return y;
}

}  // namespace eegtorch::kernels
