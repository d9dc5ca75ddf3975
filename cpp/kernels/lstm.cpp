#include "kernels/lstm.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/dropout.h"
#include "kernels/panel_matrix.h"
#include "kernels/plain.h"
#include "kernels/weight_gradient.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t grain = 8;   // sequences that a thread takes at least
constexpr int64_t block = 32;  // rows of a product that fill the registers and stay in the cache

at::Tensor plainLayer(const variable_list& in) {
  const auto state = at::zeros({1, in[0].size(1), in[2].size(1)}, in[0].options());
  const std::vector<at::Tensor> start = {state, state}, weights(in.begin() + 1, in.end());
  return std::get<0>(at::lstm(in[0], start, weights, true, 1, 0, false, false, false));
}

struct Layer {
  int64_t in, hidden;
  PanelMatrix from_input;  // (in + 1, 4 * hidden): the last row is the bias
  PanelMatrix from_state;  // (hidden, 4 * hidden)

  // sequences: that a thread takes at a time.
  Layer(const LstmWeights& w, int64_t sequences)
      : in(w.input.size(1)),
        hidden(w.hidden.size(1)),
        from_input(at::cat({w.input, w.input_bias.add(w.hidden_bias).unsqueeze(1)}, 1).t(), block),
        from_state(w.hidden.t(), sequences) {}
};

// Some sequences of a batch: what they read, and their states, which begin with the zeros before the first sample.
struct Sequences {
  const float* x;  // (samples, batch, in)
  float* state;    // (samples + 1, batch, hidden)
  int64_t batch, first, count;

  const float* input(const Layer& layer, int64_t t) const { return x + (t * batch + first) * layer.in; }
  float* stateBefore(const Layer& layer, int64_t t) const { return state + (t * batch + first) * layer.hidden; }
};

// Input products of samples [begin, end) into gates, (end - begin, count, 4 * hidden).
void projectInput(const Layer& layer, const Sequences& s, int64_t begin, int64_t end, float* gates) {
  const int64_t width = layer.in + 1, rows = (end - begin) * s.count;
  std::vector<float> inputs(rows * width, 1.f);
  float* to = inputs.data();
  for (int64_t t = begin; t < end; t++)
    for (int64_t row = 0; row < s.count; row++, to += width)
      std::copy_n(s.input(layer, t) + row * layer.in, layer.in, to);
  layer.from_input.multiply(rows, inputs.data(), width, gates, 4 * layer.hidden, false);
}

// One sample: gates hold the input products and become i, f, g, o; the state after it is written.
void step(const Layer& layer, const Sequences& s, int64_t t, float* gates, const float* cell_before, float* cell) {
  const float* before = s.stateBefore(layer, t);
  if (t > 0) layer.from_state.multiply(s.count, before, layer.hidden, gates, 4 * layer.hidden, true);
  table().lstm_gates(gates, cell_before, cell, s.stateBefore(layer, t + 1), s.count, layer.hidden);
}

// What backward needs of every sample.
struct Saved {
  at::Tensor gates, cell, state;  // (samples, batch, 4 * hidden), (samples + 1, batch, hidden) twice
};

Saved forwardSaving(const at::Tensor& x, const LstmWeights& weights) {
  const int64_t samples = x.size(0), batch = x.size(1), hidden = weights.hidden.size(1);
  const Layer layer(weights, batch);
  const auto state = at::empty({samples + 1, batch, hidden}, x.options());
  const Saved saved{at::empty({samples, batch, 4 * hidden}, x.options()), at::empty_like(state), state};
  saved.cell.select(0, 0).zero_();
  saved.state.select(0, 0).zero_();
  at::parallel_for(0, batch, grain, [&](int64_t first, int64_t last) {
    const Sequences s{x.const_data_ptr<float>(), state.data_ptr<float>(), batch, first, last - first};
    for (int64_t t = 0; t < samples; t++) {
      float* gates = saved.gates.data_ptr<float>() + (t * batch + first) * 4 * hidden;
      float* cell = saved.cell.data_ptr<float>() + (t * batch + first) * hidden;
      projectInput(layer, s, t, t + 1, gates);
      step(layer, s, t, gates, cell, cell + batch * hidden);
    }
  });
  return saved;
}

// The gradient at the gates' inputs, (samples, batch, 4 * hidden), and, where wanted, that of the input into dx.
at::Tensor backwardGates(const at::Tensor& grad, const LstmWeights& weights, const Saved& saved, const at::Tensor& dx) {
  const int64_t samples = grad.size(0), batch = grad.size(1), hidden = grad.size(2), in = weights.input.size(1);
  const PanelMatrix to_state(weights.hidden, batch), to_input(weights.input, batch);
  const auto dgates = at::empty_like(saved.gates);
  at::parallel_for(0, batch, grain, [&](int64_t first, int64_t last) {
    const int64_t count = last - first, size = count * hidden;
    std::vector<float> dstate(size), dcell(size, 0.f);
    const auto from = [&](const at::Tensor& tensor, int64_t t, int64_t width) {
      return tensor.data_ptr<float>() + (t * batch + first) * width;
    };
    for (int64_t t = samples - 1; t >= 0; t--) {
      float* d = from(dgates, t, 4 * hidden);
      const float* outer = from(grad, t, hidden);
      if (t == samples - 1)
        std::copy_n(outer, size, dstate.data());
      else
        for (int64_t i = 0; i < size; i++) dstate[i] += outer[i];
      table().lstm_gates_backward(from(saved.gates, t, 4 * hidden), from(saved.cell, t, hidden),
                                  from(saved.cell, t + 1, hidden), dstate.data(), dcell.data(), d, count, hidden);
      if (t > 0) to_state.multiply(count, d, 4 * hidden, dstate.data(), hidden, false);
      if (dx.defined()) to_input.multiply(count, d, 4 * hidden, from(dx, t, in), in, false);
    }
  });
  return dgates;
}

struct Lstm : torch::autograd::Function<Lstm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& input,
                            const at::Tensor& hidden, const at::Tensor& input_bias, const at::Tensor& hidden_bias) {
    const Saved saved = forwardSaving(x, {input, hidden, input_bias, hidden_bias});
    ctx->save_for_backward({x, input, hidden, input_bias, hidden_bias, saved.gates, saved.cell, saved.state});
    return saved.state.narrow(0, 1, x.size(0));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    if (at::GradMode::is_enabled()) {
      std::vector<bool> needed;
      for (size_t i = 0; i < 5; i++) needed.push_back(ctx->needs_input_grad(i));
      return plainGradients(plainLayer, variable_list(saved.begin(), saved.begin() + 5), grads[0], needed);
    }
    const auto &x = saved[0], &state = saved[7];
    const auto dx = ctx->needs_input_grad(0) ? at::empty_like(x) : at::Tensor();
    const auto dgates =
        backwardGates(grads[0].contiguous(), {saved[1], saved[2], saved[3], saved[4]}, {saved[5], saved[6], state}, dx);
    const int64_t rows = x.size(0) * x.size(1);
    const auto before = state.narrow(0, 0, x.size(0));
    const auto sums = weightGradients(dgates.view({rows, -1}), {x.view({rows, -1}), before.view({rows, -1})});
    return {dx, sums.weights[0], sums.weights[1], sums.bias, sums.bias.clone()};
  }
};

// Without gradients nothing is kept but the states. Layers work at the same time, each on the samples that the one
// below has just finished, so that a single sequence occupies several threads as well.
at::Tensor infer(const at::Tensor& x, const std::vector<LstmWeights>& weights) {
  const int64_t samples = x.size(0), batch = x.size(1), hidden = weights[0].hidden.size(1);
  const auto depth = static_cast<int64_t>(weights.size());
  const int64_t count = std::min(block, (batch + at::get_num_threads() - 1) / at::get_num_threads());
  const int64_t pieces = (batch + count - 1) / count, chunks = (samples + block - 1) / block;
  std::vector<Layer> layers;
  std::vector<at::Tensor> states, cells;
  for (const auto& w : weights) {
    layers.emplace_back(w, count);
    states.push_back(at::empty({samples + 1, batch, hidden}, x.options()));
    states.back().select(0, 0).zero_();
    cells.push_back(at::zeros({batch, hidden}, x.options()));
  }
  const auto run = [&](int64_t depth_at, int64_t piece, int64_t chunk) {
    const auto& layer = layers[depth_at];
    const int64_t first = piece * count, mine = std::min(count, batch - first);
    const float* from =
        depth_at == 0 ? x.const_data_ptr<float>() : states[depth_at - 1].const_data_ptr<float>() + batch * hidden;
    const Sequences s{from, states[depth_at].data_ptr<float>(), batch, first, mine};
    float* cell = cells[depth_at].data_ptr<float>() + first * hidden;
    const int64_t at_once = std::max<int64_t>(1, block / mine), end = std::min(samples, (chunk + 1) * block);
    std::vector<float> gates(at_once * mine * 4 * hidden);
    for (int64_t t = chunk * block; t < end; t += at_once) {
      const int64_t stop = std::min(end, t + at_once);
      projectInput(layer, s, t, stop, gates.data());
      for (int64_t u = t; u < stop; u++) step(layer, s, u, gates.data() + (u - t) * mine * 4 * hidden, cell, cell);
    }
  };
  for (int64_t wave = 0; wave < chunks + depth - 1; wave++)
    at::parallel_for(0, pieces * depth, 1, [&](int64_t from, int64_t to) {
      for (int64_t task = from; task < to; task++) {
        const int64_t chunk = wave - task % depth;
        if (chunk >= 0 && chunk < chunks) run(task % depth, task / depth, chunk);
      }
    });
  return states.back().narrow(0, 1, samples);
}

bool needsGradient(const at::Tensor& x, const std::vector<LstmWeights>& layers) {
  if (!at::GradMode::is_enabled()) return false;
  return x.requires_grad() || std::any_of(layers.begin(), layers.end(), [](const LstmWeights& w) {
           return w.input.requires_grad() || w.hidden.requires_grad() || w.input_bias.requires_grad() ||
                  w.hidden_bias.requires_grad();
         });
}

}  // namespace

bool lstmApplies(const at::Tensor& x, const LstmWeights& weights) {
  return applies({x, weights.input, weights.hidden, weights.input_bias, weights.hidden_bias});
}

at::Tensor lstm(const at::Tensor& x, const std::vector<LstmWeights>& layers, double drop_prob, bool training) {
  const auto start = x.contiguous();
  const bool drops = training && drop_prob > 0;
  if (!drops && !needsGradient(x, layers)) return infer(start, layers);
  auto y = start;
  for (size_t i = 0; i < layers.size(); i++) {
    const auto& w = layers[i];
    if (i > 0) y = kernels::dropout(y, drop_prob, training);
    y = Lstm::apply(y, w.input, w.hidden, w.input_bias, w.hidden_bias);
  }
  return y;
}

}  // namespace eegtorch::kernels
