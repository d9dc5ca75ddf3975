#include "kernels/norm_relu_images.h"

#include <ATen/Functions.h>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;
using Numbers = std::vector<double>;

struct State final : torch::CustomClassHolder {
  BatchNorm norm;
  ChannelAffine affine;
  float slope;
};

struct Pixels {
  int64_t count, channels;

  explicit Pixels(const at::Tensor& images) : count(images.numel() / images.size(1)), channels(images.size(1)) {}
};

std::vector<float> toFloats(const Numbers& values) { return {values.begin(), values.end()}; }

template <class Value>
std::vector<float> perChannel(int64_t channels, const Value& value) {
  std::vector<float> values(channels);
  for (int64_t c = 0; c < channels; c++) values[c] = static_cast<float>(value(c));
  return values;
}

Numbers columnSums(const float* x, const float* centre, const Pixels& p) {
  const Pieces pieces(p.count);
  PartialSums<double> sums(pieces, p.channels);
  pieces.run([&](int64_t piece, int64_t first, int64_t last) {
    table().column_sums(x + first * p.channels, centre, last - first, p.channels, sums.of(piece));
  });
  return sums.total();
}

ChannelAffine statistics(const float* x, const BatchNorm& norm, const Pixels& p) {
  const auto count = static_cast<double>(p.count);
  Numbers mean = columnSums(x, nullptr, p);
  for (auto& value : mean) value /= count;
  const auto centre = toFloats(mean);
  Numbers variance = columnSums(x, centre.data(), p);
  for (int64_t c = 0; c < p.channels; c++) {
    const double rounding = mean[c] - static_cast<double>(centre[c]);
    variance[c] = variance[c] / count - rounding * rounding;
  }
  return batchAffine(norm, mean, variance, p.count);
}

at::Tensor plain(const at::Tensor& normed, double slope) { return at::leaky_relu(normed, slope); }

struct NormLeakyRelu : torch::autograd::Function<NormLeakyRelu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const c10::intrusive_ptr<State>& state) {
    const Pixels p(x);
    const float* from = x.const_data_ptr<float>();
    state->affine = state->norm.batch_statistics ? statistics(from, state->norm, p) : runningAffine(state->norm);
    const auto& affine = state->affine;
    const auto scale = perChannel(p.channels, [&](int64_t c) { return affine.scale(c); });
    const auto shift = perChannel(p.channels, [&](int64_t c) { return affine.shift(c); });
    auto out = at::empty_like(x);
    float* to = out.mutable_data_ptr<float>();
    Pieces(p.count).run([&](int64_t, int64_t first, int64_t last) {
      const int64_t at = first * p.channels;
      table().norm_relu_columns(from + at, last - first, p.channels, scale.data(), shift.data(), state->slope, to + at);
    });
    ctx->save_for_backward({x, weight, bias, out});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["state"].toCapsule();
    const auto& state = *static_cast<const State*>(capsule.get());
    if (at::GradMode::is_enabled()) return plainBackward(ctx, saved, grads[0], state);
    return fusedBackward(ctx, saved[0], saved[3], grads[0].contiguous(at::MemoryFormat::ChannelsLast), state);
  }

  static variable_list plainBackward(AutogradContext* ctx, const variable_list& saved, const at::Tensor& grad,
                                     const State& state) {
    const auto forward = [&](const variable_list& in) {
      return plain(batchNormAgain(in[0], state.norm, in[1], in[2]), state.slope);
    };
    auto result = plainGradients(forward, {saved[0], saved[1], saved[2]}, grad,
                                 {ctx->needs_input_grad(0), ctx->needs_input_grad(1), ctx->needs_input_grad(2)});
    result.emplace_back();
    return result;
  }

  static variable_list fusedBackward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& out,
                                     const at::Tensor& grad, const State& state) {
    const Pixels p(x);
    const auto& affine = state.affine;
    const float *from = x.const_data_ptr<float>(), *y = out.const_data_ptr<float>(),
                *grad_out = grad.const_data_ptr<float>();
    auto dx = at::empty_like(x);
    float* d = dx.mutable_data_ptr<float>();
    const auto mean = toFloats(affine.mean);
    const Pieces pieces(p.count);
    PartialSums<double> sums(pieces, 2 * p.channels);
    pieces.run([&](int64_t piece, int64_t first, int64_t last) {
      const int64_t at = first * p.channels;
      table().norm_relu_backward_columns(from + at, y + at, grad_out + at, last - first, p.channels, mean.data(),
                                         state.slope, d + at, sums.of(piece), sums.of(piece) + p.channels);
    });
    const Numbers total = sums.total();
    const auto middle = total.begin() + p.channels;
    const ChannelGradient norm(affine, state.norm.batch_statistics, p.count, {total.begin(), middle},
                               {middle, total.end()});
    pieces.run([&](int64_t, int64_t first, int64_t last) {
      const int64_t at = first * p.channels;
      table().normalise_backward_columns(from + at, d + at, last - first, p.channels, norm.scale.data(),
                                         norm.offset.data(), norm.slope.data(), norm.mean.data(), d + at);
    });
    return {dx,
            ctx->needs_input_grad(1) ? toTensor(norm.weight) : at::Tensor(),
            ctx->needs_input_grad(2) ? toTensor(norm.bias) : at::Tensor(),
            {}};
  }
};

}  // namespace

at::Tensor batchNormLeakyRelu(const at::Tensor& images, torch::nn::BatchNorm2dImpl& norm, double slope) {
  // A single value per channel is left to batch norm, which refuses it in its own words.
  const bool fused = images.dim() == 4 && images.is_contiguous(at::MemoryFormat::ChannelsLast) &&
                     images.numel() > images.size(1) &&
                     applies({images, norm.weight, norm.bias, norm.running_mean, norm.running_var});
  if (!fused) return plain(norm.forward(images), slope);
  auto state = c10::make_intrusive<State>();
  state->norm = takeBatchNorm(norm);
  state->slope = static_cast<float>(slope);
  return NormLeakyRelu::apply(images, state->norm.weight, state->norm.bias, state);
}

}  // namespace eegtorch::kernels
