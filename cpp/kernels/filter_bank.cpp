#include "kernels/filter_bank.h"

#include <ATen/Functions.h>

#include "kernels/dispatch.h"
#include "kernels/moments.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

// What forward leaves for backward besides tensors.
struct State final : torch::CustomClassHolder {
  BatchNorm norm;
  ChannelAffine affine;
  LagMoments moments;
  int64_t padding;
};

struct Sizes {
  int64_t batch, chans, samples, filters, taps, signals, padding, outputs;

  Sizes(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& spatial, int64_t padding)
      : batch(eeg.size(0)),
        chans(eeg.size(1)),
        samples(eeg.size(2)),
        filters(temporal.size(0)),
        taps(temporal.size(3)),
        signals(spatial.size(0)),
        padding(padding),
        outputs(samples + 2 * padding - taps + 1) {}

  int64_t filterOf(int64_t signal) const { return signal / (signals / filters); }
  size_t row() const { return samples + 2 * padding; }  // of a padded signal
};

at::Tensor filterTime(const at::Tensor& eeg, const at::Tensor& temporal, int64_t padding) {
  return at::conv2d(eeg.unsqueeze(1), temporal, at::Tensor(), 1, at::IntArrayRef{0, padding});
}

at::Tensor mixElectrodes(const at::Tensor& x, const at::Tensor& spatial, int64_t filters) {
  return at::conv2d(x, spatial, at::Tensor(), 1, at::IntArrayRef{0, 0}, 1, filters);
}

// Temporal filters with batch norm's scale in them: (F1, taps).
std::vector<float> scaledFilters(const float* temporal, const ChannelAffine& affine, const Sizes& s) {
  std::vector<float> scaled(s.filters * s.taps);
  for (int64_t i = 0; i < s.filters * s.taps; i++)
    scaled[i] = static_cast<float>(temporal[i] * affine.scale(i / s.taps));
  return scaled;
}

// Sum of each signal's electrode weights: what a constant becomes.
std::vector<double> electrodeSums(const float* spatial, const Sizes& s) {
  std::vector<double> sums(s.signals);
  for (int64_t i = 0; i < s.signals * s.chans; i++) sums[i / s.chans] += spatial[i];
  return sums;
}

// One trial's mixed signals between zeros: (signals, padding + samples + padding).
void mix(const float* eeg, const float* spatial, const Sizes& s, float* signals) {
  table().rows(s.signals, s.samples, {1, static_cast<size_t>(s.chans), 0, static_cast<size_t>(s.samples)}, spatial,
               s.chans, eeg, signals + s.padding, s.row(), nullptr, false);
}

at::Tensor forwardPass(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& spatial,
                       const ChannelAffine& affine, const Sizes& s) {
  const float* v = spatial.const_data_ptr<float>();
  const auto filters = scaledFilters(temporal.const_data_ptr<float>(), affine, s);
  const auto sums = electrodeSums(v, s);
  std::vector<float> constants(s.signals);
  for (int64_t i = 0; i < s.signals; i++) constants[i] = static_cast<float>(affine.shift(s.filterOf(i)) * sums[i]);

  auto out = at::empty({s.batch, s.signals, 1, s.outputs}, eeg.options());
  float* to = out.mutable_data_ptr<float>();
  const float* x = eeg.const_data_ptr<float>();
  Pieces(s.batch).run([&](int64_t, int64_t first, int64_t last) {
    std::vector<float> signals(s.signals * s.row());
    for (int64_t b = first; b < last; b++) {
      mix(x + b * s.chans * s.samples, v, s, signals.data());
      for (int64_t i = 0; i < s.signals; i++)
        table().rows(1, s.outputs, {1, static_cast<size_t>(s.taps), 0, 1}, filters.data() + s.filterOf(i) * s.taps, 0,
                     signals.data() + i * s.row(), to + (b * s.signals + i) * s.outputs, 0, &constants[i], false);
    }
  });
  return out;
}

// Sums over trials and time that all gradients are made of.
struct BackwardSums {
  std::vector<double> grad;       // (signals): of the gradient
  std::vector<double> lagged;     // (signals, taps): of gradient times signal, by lag
  std::vector<double> electrode;  // (signals, chans): of the signal's gradient times each electrode
};

BackwardSums backwardPass(const at::Tensor& eeg, const at::Tensor& temporal, const at::Tensor& spatial,
                          const at::Tensor& grad_out, const ChannelAffine& affine, const Sizes& s) {
  auto reversed = scaledFilters(temporal.const_data_ptr<float>(), affine, s);
  for (int64_t f = 0; f < s.filters; f++)
    std::reverse(reversed.begin() + f * s.taps, reversed.begin() + (f + 1) * s.taps);
  const float *x = eeg.const_data_ptr<float>(), *v = spatial.const_data_ptr<float>(),
              *g = grad_out.const_data_ptr<float>();
  const Pieces pieces(s.batch);
  PartialSums<double> grad(pieces, s.signals);
  PartialSums<float> lagged(pieces, s.signals * s.taps), electrode(pieces, s.signals * s.chans);
  const size_t lead = s.taps - 1 - s.padding;
  pieces.run([&](int64_t piece, int64_t first, int64_t last) {
    const auto& k = table();
    std::vector<float> signals(s.signals * s.row()), dsignals(s.signals * s.samples), padded(s.outputs + 2 * lead);
    for (int64_t b = first; b < last; b++) {
      mix(x + b * s.chans * s.samples, v, s, signals.data());
      for (int64_t i = 0; i < s.signals; i++) {
        const float* from = g + (b * s.signals + i) * s.outputs;
        grad.of(piece)[i] += k.sum(from, s.outputs);
        k.rows(1, s.taps, {1, static_cast<size_t>(s.outputs), 0, 1}, from, 0, signals.data() + i * s.row(),
               lagged.of(piece) + i * s.taps, 0, nullptr, true);
        std::copy(from, from + s.outputs, padded.begin() + lead);
        k.rows(1, s.samples, {1, static_cast<size_t>(s.taps), 0, 1}, reversed.data() + s.filterOf(i) * s.taps, 0,
               padded.data(), dsignals.data() + i * s.samples, 0, nullptr, false);
      }
      k.dots(s.signals, s.samples, {1, static_cast<size_t>(s.chans), 0, static_cast<size_t>(s.samples)},
             dsignals.data(), s.samples, x + b * s.chans * s.samples, electrode.of(piece), s.chans);
    }
  });
  return {grad.total(), lagged.total(), electrode.total()};
}

struct Gradients {
  at::Tensor temporal, weight, bias, spatial;
};

// From the sums to the parameters, in double: the affine map's scale and shift depend on the filter too.
Gradients parameterGradients(const BackwardSums& sums, const State& state, const at::Tensor& temporal,
                             const at::Tensor& spatial, const Sizes& s) {
  const float *w = temporal.const_data_ptr<float>(), *v = spatial.const_data_ptr<float>();
  const auto weights = electrodeSums(v, s);
  std::vector<double> dtemporal(s.filters * s.taps), dweight(s.filters), dbias(s.filters), dspatial = sums.electrode;
  for (int64_t i = 0; i < s.signals * s.chans; i++)
    dspatial[i] += state.affine.shift(s.filterOf(i / s.chans)) * sums.grad[i / s.chans];
  for (int64_t f = 0; f < s.filters; f++) {
    const float* filter = w + f * s.taps;
    double* dfilter = dtemporal.data() + f * s.taps;
    double dscale = 0, dshift = 0;
    for (int64_t i = 0; i < s.signals; i++) {
      if (s.filterOf(i) != f) continue;
      dshift += sums.grad[i] * weights[i];
      for (int64_t t = 0; t < s.taps; t++) {
        const double product = sums.lagged[i * s.taps + t];
        dscale += product * filter[t];
        dfilter[t] += product * state.affine.scale(f);
      }
    }
    const double mean = state.affine.mean[f], inverse = state.affine.inverse_std[f];
    dscale -= mean * dshift;  // shift = bias - scale * mean
    dbias[f] = dshift;
    dweight[f] = dscale * inverse;
    if (!state.norm.batch_statistics) continue;
    const double dmean = -state.affine.scale(f) * dshift;
    const double dvariance = -0.5 * inverse * inverse * inverse * state.affine.weight[f] * dscale;
    const auto correlated = state.moments.correlate(filter);
    for (int64_t t = 0; t < s.taps; t++)
      dfilter[t] += dvariance * 2 * correlated[t] + (dmean - 2 * mean * dvariance) * state.moments.first[t];
  }
  return {toTensor(dtemporal).view(temporal.sizes()), toTensor(dweight), toTensor(dbias),
          toTensor(dspatial).view(spatial.sizes())};
}

struct FilterBank : torch::autograd::Function<FilterBank> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& eeg, const at::Tensor& temporal,
                            const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& spatial,
                            const c10::intrusive_ptr<State>& state) {
    const Sizes s(eeg, temporal, spatial, state->padding);
    if (state->norm.batch_statistics) {
      state->moments = lagMoments(eeg.const_data_ptr<float>(), s.batch * s.chans, s.samples, s.taps, s.padding);
      std::vector<double> mean, variance;
      for (int64_t f = 0; f < s.filters; f++) {
        mean.push_back(state->moments.mean(temporal.const_data_ptr<float>() + f * s.taps));
        variance.push_back(state->moments.variance(temporal.const_data_ptr<float>() + f * s.taps));
      }
      state->affine = batchAffine(state->norm, mean, variance, state->moments.count);
    } else {
      state->affine = runningAffine(state->norm);
    }
    ctx->save_for_backward({eeg, temporal, weight, bias, spatial});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return forwardPass(eeg, temporal, spatial, state->affine, s);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["state"].toCapsule();
    const auto& state = *static_cast<const State*>(capsule.get());
    std::vector<bool> needed;
    for (size_t i = 0; i < saved.size(); i++) needed.push_back(ctx->needs_input_grad(i));
    if (needed[0] || at::GradMode::is_enabled()) {
      const auto plain = [&](const variable_list& in) {
        const auto x = batchNormAgain(filterTime(in[0], in[1], state.padding), state.norm, in[2], in[3]);
        return mixElectrodes(x, in[4], in[1].size(0));
      };
      auto result = plainGradients(plain, saved, grads[0], needed);
      result.emplace_back();
      return result;
    }
    const Sizes s(saved[0], saved[1], saved[4], state.padding);
    const auto sums = backwardPass(saved[0], saved[1], saved[4], grads[0].contiguous(), state.affine, s);
    const auto g = parameterGradients(sums, state, saved[1], saved[4], s);
    return {{}, g.temporal, needed[2] ? g.weight : at::Tensor(), needed[3] ? g.bias : at::Tensor(), g.spatial, {}};
  }
};

}  // namespace

at::Tensor plainFilterBank(const at::Tensor& eeg, const at::Tensor& temporal, torch::nn::BatchNorm2dImpl& norm,
                           const at::Tensor& spatial, int64_t padding) {
  return mixElectrodes(norm.forward(filterTime(eeg, temporal, padding)), spatial, temporal.size(0));
}

at::Tensor filterBank(const at::Tensor& eeg, const at::Tensor& temporal, torch::nn::BatchNorm2dImpl& norm,
                      const at::Tensor& spatial, int64_t padding) {
  const int64_t taps = temporal.size(3);
  if (!applies({eeg, temporal, norm.weight, norm.bias, norm.running_mean, norm.running_var, spatial}) ||
      padding >= taps || taps > eeg.size(2) ||
      // A single value per channel is left to batch norm, which refuses it in its own words.
      eeg.size(0) * eeg.size(1) * (eeg.size(2) + 2 * padding - taps + 1) < 2)
    return plainFilterBank(eeg, temporal, norm, spatial, padding);
  auto state = c10::make_intrusive<State>();
  state->norm = takeBatchNorm(norm);
  state->padding = padding;
  return FilterBank::apply(eeg.contiguous(), temporal.contiguous(), state->norm.weight, state->norm.bias,
                           spatial.contiguous(), state);
}

}  // namespace eegtorch::kernels
