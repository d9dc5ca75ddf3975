#include "kernels/lstm.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "kernels/dispatch.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t grain = 8;  // sequences

at::Tensor plainLayer(const variable_list& in) {
  const auto state = at::zeros({1, in[0].size(1), in[2].size(1)}, in[0].options());
  const std::vector<at::Tensor> start = {state, state}, weights(in.begin() + 1, in.end());
  return std::get<0>(at::lstm(in[0], start, weights, true, 1, 0, false, false, false));
}

// What forward keeps of every step. Cell and state begin with the zeros before the first sample.
struct Steps {
  int64_t samples, batch, hidden;
  float *gates, *cell, *state;  // (samples, batch, 4 * hidden), (samples + 1, batch, hidden) twice

  Steps(const at::Tensor& gates, const at::Tensor& cell, const at::Tensor& state)
      : samples(gates.size(0)),
        batch(gates.size(1)),
        hidden(state.size(2)),
        gates(gates.data_ptr<float>()),
        cell(cell.data_ptr<float>()),
        state(state.data_ptr<float>()) {}

  int64_t size() const { return batch * hidden; }  // of a state
};

void forwardGates(const Steps& s, int64_t t) {
  at::parallel_for(0, s.batch, grain, [&](int64_t first, int64_t last) {
    const int64_t at = t * s.size() + first * s.hidden, next = at + s.size();
    table().lstm_gates(s.gates + 4 * at, s.cell + at, s.cell + next, s.state + next, last - first, s.hidden);
  });
}

void backwardGates(const Steps& s, int64_t t, const float* dstate, float* dcell, float* dgates) {
  at::parallel_for(0, s.batch, grain, [&](int64_t first, int64_t last) {
    const int64_t row = first * s.hidden, at = t * s.size() + row;
    table().lstm_gates_backward(s.gates + 4 * at, s.cell + at, s.cell + at + s.size(), dstate + row, dcell + row,
                                dgates + 4 * at, last - first, s.hidden);
  });
}

struct Lstm : torch::autograd::Function<Lstm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& input,
                            const at::Tensor& hidden, const at::Tensor& input_bias, const at::Tensor& hidden_bias) {
    const int64_t samples = x.size(0), batch = x.size(1), size = hidden.size(1);
    auto gates = at::addmm(input_bias.add(hidden_bias), x.view({samples * batch, -1}), input.t());
    gates = gates.view({samples, batch, 4 * size});
    auto cell = at::empty({samples + 1, batch, size}, x.options()), state = at::empty_like(cell);
    cell.select(0, 0).zero_();
    state.select(0, 0).zero_();
    const Steps steps(gates, cell, state);
    const auto transposed = hidden.t();
    for (int64_t t = 0; t < samples; t++) {
      if (t > 0) gates.select(0, t).addmm_(state.select(0, t), transposed);
      forwardGates(steps, t);
    }
    ctx->save_for_backward({x, input, hidden, input_bias, hidden_bias, gates, cell, state});
    return state.narrow(0, 1, samples).clone();
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    if (at::GradMode::is_enabled()) {
      std::vector<bool> needed;
      for (size_t i = 0; i < 5; i++) needed.push_back(ctx->needs_input_grad(i));
      return plainGradients(plainLayer, variable_list(saved.begin(), saved.begin() + 5), grads[0], needed);
    }
    const auto &x = saved[0], &hidden = saved[2], &state = saved[7];
    const Steps steps(saved[5], saved[6], state);
    const auto grad = grads[0].contiguous();
    auto dgates = at::empty_like(saved[5]);
    auto dstate = grad.select(0, steps.samples - 1).clone(), dcell = at::zeros_like(dstate);
    for (int64_t t = steps.samples - 1; t >= 0; t--) {
      backwardGates(steps, t, dstate.const_data_ptr<float>(), dcell.data_ptr<float>(), dgates.data_ptr<float>());
      if (t > 0) at::addmm_out(dstate, grad.select(0, t - 1), dgates.select(0, t), hidden);
    }
    const auto flat = dgates.view({steps.samples * steps.batch, -1});
    const auto before = state.narrow(0, 0, steps.samples).view({flat.size(0), -1});
    const auto bias = flat.sum(0);
    return {ctx->needs_input_grad(0) ? flat.mm(saved[1]).view(x.sizes()) : at::Tensor(),
            flat.t().mm(x.view({flat.size(0), -1})), flat.t().mm(before), bias, bias.clone()};
  }
};

}  // namespace

bool lstmApplies(const at::Tensor& x, const LstmWeights& weights) {
  return applies({x, weights.input, weights.hidden, weights.input_bias, weights.hidden_bias});
}

at::Tensor lstmLayer(const at::Tensor& x, const LstmWeights& weights) {
  return Lstm::apply(x.contiguous(), weights.input, weights.hidden, weights.input_bias, weights.hidden_bias);
}

}  // namespace eegtorch::kernels
