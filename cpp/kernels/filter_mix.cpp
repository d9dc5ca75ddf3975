#include "kernels/filter_mix.h"

#include <ATen/Functions.h>

#include <memory>

#include "kernels/dispatch.h"
#include "kernels/moments.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t tile = 256;  // samples; n_filters * n_chans rows of a tile are to stay in the cache

struct State final : torch::CustomClassHolder {
  BatchNorm norm;
  ChannelAffine affine;  // of the convolution with its bias
  LagMoments moments;
};

struct Sizes {
  int64_t batch, chans, samples, filters, taps, mixed, outputs;

  Sizes(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& spatial)
      : batch(eeg.size(0)),
        chans(eeg.size(1)),
        samples(eeg.size(2)),
        filters(temporal.size(0)),
        taps(temporal.size(3)),
        mixed(spatial.size(0)),
        outputs(samples - taps + 1) {}

  int64_t signals() const { return filters * chans; }
  int64_t tiles() const { return (outputs + tile - 1) / tile; }  // of one trial
  Depth lags() const { return {1, static_cast<size_t>(taps), 0, 1}; }
};

at::Tensor plainFilterMix(const at::Tensor& x, const at::Tensor& spatial, const at::Tensor& spatial_bias) {
  return at::conv2d(at::elu(x), spatial, spatial_bias);
}

at::Tensor filterTime(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& temporal_bias) {
  return at::conv2d(eeg.unsqueeze(1), temporal, temporal_bias);
}

ChannelAffine affineOfBatch(State& state, const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& bias,
                            const Sizes& s) {
  state.moments = lagMoments(eeg.const_data_ptr<float>(), s.batch * s.chans, s.samples, s.taps, 0);
  std::vector<double> mean, variance;
  for (int64_t f = 0; f < s.filters; f++) {
    const float* filter = temporal.const_data_ptr<float>() + f * s.taps;
    mean.push_back(state.moments.mean(filter) + bias.const_data_ptr<float>()[f]);
    variance.push_back(state.moments.variance(filter));
  }
  return batchAffine(state.norm, mean, variance, state.moments.count);
}

// The filters with batch norm's scale in them, (F, taps), and the constants that follow, (F).
struct ScaledFilters {
  std::vector<float> weights, constants;

  ScaledFilters(const at::Tensor& temporal, const at::Tensor& bias, const ChannelAffine& affine, const Sizes& s) {
    const float *w = temporal.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
    for (int64_t i = 0; i < s.filters * s.taps; i++)
      weights.push_back(static_cast<float>(w[i] * affine.scale(i / s.taps)));
    for (int64_t f = 0; f < s.filters; f++)
      constants.push_back(static_cast<float>(affine.shift(f) + affine.scale(f) * b[f]));
  }
};

// `n` samples of every filtered electrode of one trial, normalised and activated: z (F, n_chans, n).
void filterTile(const float* eeg, const ScaledFilters& filters, const Sizes& s, int64_t n, float* z) {
  for (int64_t c = 0; c < s.chans; c++)
    table().rows(s.filters, n, s.lags(), filters.weights.data(), s.taps, eeg + c * s.samples, z + c * n, s.chans * n,
                 filters.constants.data(), false);
  table().elu(z, z, s.signals() * n);
}

// Calls body(trial, first sample, samples) for these tiles of all trials, counted one trial after the other.
template <class Body>
void forEachTile(const Sizes& s, int64_t first, int64_t last, const Body& body) {
  for (int64_t i = first; i < last; i++) {
    const int64_t t = i % s.tiles() * tile;
    body(i / s.tiles(), t, std::min(tile, s.outputs - t));
  }
}

at::Tensor forwardPass(const at::Tensor& eeg, const ScaledFilters& filters, const at::Tensor& spatial,
                       const at::Tensor& spatial_bias, const Sizes& s) {
  auto out = at::empty({s.batch, s.mixed, 1, s.outputs}, eeg.options());
  float* to = out.mutable_data_ptr<float>();
  const float *x = eeg.const_data_ptr<float>(), *v = spatial.const_data_ptr<float>(),
              *bias = spatial_bias.const_data_ptr<float>();
  // Tiles, not trials: one trial is to keep all threads busy.
  at::parallel_for(0, s.batch * s.tiles(), 1, [&](int64_t first, int64_t last) {
    const std::unique_ptr<float[]> z(new float[s.signals() * tile]);
    forEachTile(s, first, last, [&](int64_t b, int64_t t, int64_t n) {
      filterTile(x + b * s.chans * s.samples + t, filters, s, n, z.get());
      const Depth signals{1, static_cast<size_t>(s.signals()), 0, static_cast<size_t>(n)};
      table().rows(s.mixed, n, signals, v, s.signals(), z.get(), to + b * s.mixed * s.outputs + t, s.outputs, bias,
                   false);
    });
  });
  return out;
}

// Sums over trials and time that all gradients are made of. `shift` and `lagged` are of the gradient at ELU's input.
struct BackwardSums {
  std::vector<double> spatial, spatial_bias;  // (G, F, n_chans), (G)
  std::vector<double> shift, lagged;          // (F), (F, taps): of the gradient, and times the recording by lag
};

BackwardSums backwardPass(const at::Tensor& eeg, const ScaledFilters& filters, const at::Tensor& spatial,
                          const at::Tensor& grad_out, const Sizes& s) {
  const auto transposed = spatial.view({s.mixed, s.signals()}).t().contiguous();
  const float *x = eeg.const_data_ptr<float>(), *v = transposed.const_data_ptr<float>(),
              *g = grad_out.const_data_ptr<float>();
  const Pieces pieces(s.batch);
  PartialSums<float> dspatial(pieces, s.mixed * s.signals()), lagged(pieces, s.filters * s.taps);
  PartialSums<double> dbias(pieces, s.mixed), shift(pieces, s.filters);
  pieces.run([&](int64_t piece, int64_t first, int64_t last) {
    const auto& k = table();
    std::vector<float> z(s.signals() * tile), d(s.signals() * tile);
    forEachTile(s, first * s.tiles(), last * s.tiles(), [&](int64_t b, int64_t t, int64_t n) {
      const float *from = x + b * s.chans * s.samples + t, *grad = g + b * s.mixed * s.outputs + t;
      filterTile(from, filters, s, n, z.data());
      for (int64_t o = 0; o < s.mixed; o++) dbias.of(piece)[o] += k.sum(grad + o * s.outputs, n);
      k.dots(s.mixed, n, {1, static_cast<size_t>(s.signals()), 0, static_cast<size_t>(n)}, grad, s.outputs, z.data(),
             dspatial.of(piece), s.signals());
      k.rows(s.signals(), n, {1, static_cast<size_t>(s.mixed), 0, static_cast<size_t>(s.outputs)}, v, s.mixed, grad,
             d.data(), n, nullptr, false);
      for (int64_t f = 0; f < s.filters; f++)
        shift.of(piece)[f] += k.elu_backward(z.data() + f * s.chans * n, d.data() + f * s.chans * n, s.chans * n);
      for (int64_t c = 0; c < s.chans; c++)
        k.dots(s.filters, n, s.lags(), d.data() + c * n, s.chans * n, from + c * s.samples, lagged.of(piece), s.taps);
    });
  });
  return {dspatial.total(), dbias.total(), shift.total(), lagged.total()};
}

struct TemporalGradients {
  std::vector<double> temporal, bias, weight, shift;
};

// In double, through batch norm: with batch statistics its scale and shift depend on the filter too, and the bias of
// the convolution has no effect.
TemporalGradients temporalGradients(const BackwardSums& sums, const State& state, const at::Tensor& temporal,
                                    const at::Tensor& bias, const Sizes& s) {
  TemporalGradients d{sums.lagged, std::vector<double>(s.filters), std::vector<double>(s.filters), sums.shift};
  for (int64_t f = 0; f < s.filters; f++) {
    const float* filter = temporal.const_data_ptr<float>() + f * s.taps;
    double* dfilter = d.temporal.data() + f * s.taps;
    const double scale = state.affine.scale(f), inverse = state.affine.inverse_std[f], dshift = sums.shift[f];
    double centred = (bias.const_data_ptr<float>()[f] - state.affine.mean[f]) * dshift;
    for (int64_t t = 0; t < s.taps; t++) {
      centred += dfilter[t] * filter[t];
      dfilter[t] *= scale;
    }
    d.weight[f] = centred * inverse;
    if (!state.norm.batch_statistics) {
      d.bias[f] = scale * dshift;
      continue;
    }
    const double dmean = -scale * dshift, dvariance = -0.5 * inverse * inverse * scale * centred;
    const double mean = state.moments.mean(filter);
    const auto correlated = state.moments.correlate(filter);
    for (int64_t t = 0; t < s.taps; t++)
      dfilter[t] += dvariance * 2 * correlated[t] + (dmean - 2 * mean * dvariance) * state.moments.first[t];
  }
  return d;
}

struct FilterMix : torch::autograd::Function<FilterMix> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& eeg, const at::Tensor& temporal,
                            const at::Tensor& temporal_bias, const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& spatial, const at::Tensor& spatial_bias,
                            const c10::intrusive_ptr<State>& state) {
    const Sizes s(eeg, temporal, spatial);
    state->affine = state->norm.batch_statistics ? affineOfBatch(*state, eeg, temporal, temporal_bias, s)
                                                 : runningAffine(state->norm);
    ctx->save_for_backward({eeg, temporal, temporal_bias, weight, bias, spatial, spatial_bias});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return forwardPass(eeg, ScaledFilters(temporal, temporal_bias, state->affine, s), spatial, spatial_bias, s);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["state"].toCapsule();
    const auto& state = *static_cast<const State*>(capsule.get());
    std::vector<bool> needed;
    for (size_t i = 0; i < saved.size(); i++) needed.push_back(ctx->needs_input_grad(i));
    if (needed[0] || at::GradMode::is_enabled()) return plainBackward(saved, needed, grads[0], state);
    return fusedBackward(saved, needed, grads[0].contiguous(), state);
  }

  static variable_list plainBackward(const variable_list& saved, const std::vector<bool>& needed,
                                     const at::Tensor& grad, const State& state) {
    const auto forward = [&](const variable_list& in) {
      return plainFilterMix(batchNormAgain(filterTime(in[0], in[1], in[2]), state.norm, in[3], in[4]), in[5], in[6]);
    };
    auto result = plainGradients(forward, saved, grad, needed);
    result.emplace_back();
    return result;
  }

  static variable_list fusedBackward(const variable_list& saved, const std::vector<bool>& needed,
                                     const at::Tensor& grad, const State& state) {
    const auto &eeg = saved[0], &temporal = saved[1], &temporal_bias = saved[2], &spatial = saved[5];
    const Sizes s(eeg, temporal, spatial);
    const auto sums = backwardPass(eeg, ScaledFilters(temporal, temporal_bias, state.affine, s), spatial, grad, s);
    const auto d = temporalGradients(sums, state, temporal, temporal_bias, s);
    return {{},
            toTensor(d.temporal).view(temporal.sizes()),
            toTensor(d.bias),
            needed[3] ? toTensor(d.weight) : at::Tensor(),
            needed[4] ? toTensor(d.shift) : at::Tensor(),
            toTensor(sums.spatial).view(spatial.sizes()),
            toTensor(sums.spatial_bias),
            {}};
  }
};

}  // namespace

at::Tensor filterMix(const at::Tensor& eeg, const FilterMixWeights& w, torch::nn::BatchNorm2dImpl& norm) {
  const bool known = applies({eeg, w.temporal, w.temporal_bias, w.spatial, w.spatial_bias, norm.weight, norm.bias,
                              norm.running_mean, norm.running_var});
  const auto outputs = eeg.size(0) * eeg.size(1) * (eeg.size(2) - w.temporal.size(3) + 1);
  if (!known || outputs < 2)
    return plainFilterMix(norm.forward(filterTime(eeg, w.temporal, w.temporal_bias)), w.spatial, w.spatial_bias);
  auto state = c10::make_intrusive<State>();
  state->norm = takeBatchNorm(norm);
  return FilterMix::apply(eeg.contiguous(), w.temporal.contiguous(), w.temporal_bias, state->norm.weight,
                          state->norm.bias, w.spatial.contiguous(), w.spatial_bias, state);
}

}  // namespace eegtorch::kernels
