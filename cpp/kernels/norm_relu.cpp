#include "kernels/norm_relu.h"

#include <ATen/Functions.h>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

struct State final : torch::CustomClassHolder {
  BatchNorm norm;
  ChannelAffine affine;
};

Rows rowsOf(const at::Tensor& x) { return {x.size(0), x.size(1), x.size(2)}; }

at::Tensor plainRelu(const at::Tensor& normed, const at::Tensor& short_cut) {
  return (short_cut.defined() ? normed + short_cut : normed).relu();
}

at::Tensor fusedForward(const at::Tensor& x, const at::Tensor& short_cut, const ChannelAffine& affine) {
  const Rows rows = rowsOf(x);
  auto out = at::empty_like(x);
  const float *from = x.const_data_ptr<float>(),
              *beside = short_cut.defined() ? short_cut.const_data_ptr<float>() : nullptr;
  float* to = out.mutable_data_ptr<float>();
  Pieces(rows.count()).run([&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      const int64_t at = row * rows.samples, channel = rows.channel(row);
      table().norm_relu(from + at, beside ? beside + at : nullptr, rows.samples,
                        static_cast<float>(affine.scale(channel)), static_cast<float>(affine.shift(channel)), 0.f,
                        to + at);
    }
  });
  return out;
}

struct BatchNormRelu : torch::autograd::Function<BatchNormRelu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const std::optional<at::Tensor>& beside, const c10::intrusive_ptr<State>& state) {
    const at::Tensor short_cut = beside.value_or(at::Tensor());
    const auto& norm = state->norm;
    state->affine =
        norm.batch_statistics ? batchAffine(norm, x.const_data_ptr<float>(), rowsOf(x)) : runningAffine(norm);
    auto out = fusedForward(x, short_cut, state->affine);
    ctx->save_for_backward({x, weight, bias, short_cut, out});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["state"].toCapsule();
    const auto& state = *static_cast<const State*>(capsule.get());
    if (at::GradMode::is_enabled()) return plainBackward(ctx, saved, grads[0], state);
    return fusedBackward(ctx, saved, grads[0].contiguous(), state);
  }

  static variable_list plainBackward(AutogradContext* ctx, const variable_list& saved, const at::Tensor& grad,
                                     const State& state) {
    const bool has_short_cut = saved[3].defined();
    const auto forward = [&](const variable_list& in) {
      return plainRelu(batchNormAgain(in[0], state.norm, in[1], in[2]), has_short_cut ? in[3] : at::Tensor());
    };
    variable_list inputs(saved.begin(), saved.begin() + (has_short_cut ? 4 : 3));
    std::vector<bool> needed;
    for (size_t i = 0; i < inputs.size(); i++) needed.push_back(ctx->needs_input_grad(i));
    auto result = plainGradients(forward, inputs, grad, needed);
    result.resize(5);
    return result;
  }

  static variable_list fusedBackward(AutogradContext* ctx, const variable_list& saved, const at::Tensor& grad,
                                     const State& state) {
    const auto &x = saved[0], &out = saved[4];
    const Rows rows = rowsOf(x);
    const float *from = x.const_data_ptr<float>(), *y = out.const_data_ptr<float>(),
                *grad_out = grad.const_data_ptr<float>();
    auto before_relu = at::empty_like(x);  // the gradient there, which is the short cut's as it is
    float* g = before_relu.mutable_data_ptr<float>();
    std::vector<double> sums(2 * rows.count());
    const Pieces pieces(rows.count());
    pieces.run([&](int64_t, int64_t first, int64_t last) {
      for (int64_t row = first; row < last; row++) {
        const int64_t at = row * rows.samples;
        table().norm_relu_backward(from + at, y + at, grad_out + at, rows.samples,
                                   static_cast<float>(state.affine.mean[rows.channel(row)]), 0.f, g + at,
                                   &sums[2 * row]);
      }
    });
    const NormGradient norm(rows, state.affine, state.norm.batch_statistics, sums);
    const bool shared = saved[3].defined();
    auto dx = shared ? at::empty_like(x) : before_relu;
    float* d = dx.mutable_data_ptr<float>();
    pieces.run([&](int64_t, int64_t first, int64_t last) {
      for (int64_t row = first; row < last; row++) {
        const int64_t at = row * rows.samples;
        norm.apply(row, from + at, g + at, d + at);
      }
    });
    return {dx,
            ctx->needs_input_grad(1) ? toTensor(norm.weight()) : at::Tensor(),
            ctx->needs_input_grad(2) ? toTensor(norm.bias()) : at::Tensor(),
            shared ? before_relu : at::Tensor(),
            {}};
  }
};

}  // namespace

at::Tensor batchNormRelu(const at::Tensor& x, torch::nn::BatchNorm1dImpl& norm, const at::Tensor& short_cut) {
  // A single value per channel is left to batch norm, which refuses it in its own words.
  const bool fused = x.dim() == 3 && x.size(0) * x.size(2) > 1 &&
                     applies({x, short_cut, norm.weight, norm.bias, norm.running_mean, norm.running_var});
  if (!fused) return plainRelu(norm.forward(x), short_cut);
  auto state = c10::make_intrusive<State>();
  state->norm = takeBatchNorm(norm);
  std::optional<at::Tensor> beside;
  if (short_cut.defined()) beside = short_cut.contiguous();
  return BatchNormRelu::apply(x.contiguous(), state->norm.weight, state->norm.bias, beside, state);
}

}  // namespace eegtorch::kernels
