#include "kernels/elu_pool.h"

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
  TimePool pool;
};

struct Sizes {
  int64_t batch, channels, samples, steps;

  Sizes(const at::Tensor& x, const TimePool& pool)
      : batch(x.size(0)), channels(x.size(1)), samples(x.size(3)), steps((samples - pool.kernel) / pool.stride + 1) {}

  int64_t rows() const { return batch * channels; }
  Rows input() const { return {batch, channels, samples}; }
};

Pool rowPool(const TimePool& pool) {
  return {static_cast<size_t>(pool.kernel), static_cast<size_t>(pool.stride), pool.max};
}

at::Tensor plainEluPool(const at::Tensor& x, const TimePool& pool) {
  const auto z = at::elu(x);
  return pool.max ? at::max_pool2d(z, {1, pool.kernel}, {1, pool.stride})
                  : at::avg_pool2d(z, {1, pool.kernel}, {1, pool.stride});
}

struct BatchNormEluPool : torch::autograd::Function<BatchNormEluPool> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const c10::intrusive_ptr<State>& state) {
    const Sizes s(x, state->pool);
    const float* from = x.const_data_ptr<float>();
    state->affine =
        state->norm.batch_statistics ? batchAffine(state->norm, from, s.input()) : runningAffine(state->norm);
    ctx->save_for_backward({x, weight, bias});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);

    auto out = at::empty({s.batch, s.channels, 1, s.steps}, x.options());
    float* to = out.mutable_data_ptr<float>();
    Pieces(s.rows()).run([&](int64_t, int64_t first, int64_t last) {
      std::vector<float> scratch(s.samples);
      for (int64_t row = first; row < last; row++) {
        const int64_t c = row % s.channels;
        table().elu_pool(from + row * s.samples, s.samples, static_cast<float>(state->affine.scale(c)),
                         static_cast<float>(state->affine.shift(c)), rowPool(state->pool), to + row * s.steps,
                         scratch.data());
      }
    });
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["state"].toCapsule();
    const auto& state = *static_cast<const State*>(capsule.get());
    if (at::GradMode::is_enabled()) return plainBackward(ctx, saved, grads[0], state);
    return fusedBackward(ctx, saved[0], grads[0].contiguous(), state);
  }

  static variable_list plainBackward(AutogradContext* ctx, const variable_list& saved, const at::Tensor& grad,
                                     const State& state) {
    const auto forward = [&](const variable_list& in) {
      return plainEluPool(batchNormAgain(in[0], state.norm, in[1], in[2]), state.pool);
    };
    auto result = plainGradients(forward, saved, grad,
                                 {ctx->needs_input_grad(0), ctx->needs_input_grad(1), ctx->needs_input_grad(2)});
    result.emplace_back();
    return result;
  }

  static variable_list fusedBackward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& grad,
                                     const State& state) {
    const Sizes s(x, state.pool);
    const auto& affine = state.affine;
    const float *from = x.const_data_ptr<float>(), *g = grad.const_data_ptr<float>();
    auto dx = at::empty_like(x);
    float* d = dx.mutable_data_ptr<float>();
    std::vector<double> row_sums(2 * s.rows());  // of the gradient, and of the gradient times x - mean
    const Pieces pieces(s.rows());
    pieces.run([&](int64_t, int64_t first, int64_t last) {
      for (int64_t row = first; row < last; row++) {
        const int64_t c = row % s.channels;
        table().elu_pool_backward(from + row * s.samples, s.samples, static_cast<float>(affine.scale(c)),
                                  static_cast<float>(affine.shift(c)), static_cast<float>(affine.mean[c]),
                                  rowPool(state.pool), g + row * s.steps, d + row * s.samples, &row_sums[2 * row]);
      }
    });
    const NormGradient norm(s.input(), affine, state.norm.batch_statistics, row_sums);
    pieces.run([&](int64_t, int64_t first, int64_t last) {
      for (int64_t row = first; row < last; row++) {
        float* gradient = d + row * s.samples;
        norm.apply(row, from + row * s.samples, gradient, gradient);
      }
    });
    return {dx,
            ctx->needs_input_grad(1) ? toTensor(norm.weight()) : at::Tensor(),
            ctx->needs_input_grad(2) ? toTensor(norm.bias()) : at::Tensor(),
            {}};
  }
};

}  // namespace

at::Tensor batchNormEluPool(const at::Tensor& x, torch::nn::BatchNorm2dImpl& norm, const TimePool& pool) {
  // A single value per channel is left to batch norm, which refuses it in its own words.
  const bool fused = x.dim() == 4 && x.size(2) == 1 && x.size(3) >= pool.kernel && x.size(0) * x.size(3) > 1 &&
                     applies({x, norm.weight, norm.bias, norm.running_mean, norm.running_var});
  if (!fused) return plainEluPool(norm.forward(x), pool);
  auto state = c10::make_intrusive<State>();
  state->norm = takeBatchNorm(norm);
  state->pool = pool;
  return BatchNormEluPool::apply(x.contiguous(), state->norm.weight, state->norm.bias, state);
}

at::Tensor elu(const at::Tensor& x) {
  constexpr int64_t worth_sharing = 16384;
  if (!applies({x}) || isRecorded({x}) || !x.is_non_overlapping_and_dense()) return at::elu(x);
  const auto y = at::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, x.numel(), worth_sharing,
                   [&](int64_t a, int64_t b) { table().elu(from + a, to + a, static_cast<size_t>(b - a)); });
  return y;
}

}  // namespace eegtorch::kernels
