#include "signal/multitaper.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/trapezoid.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.h"
#include "signal/check.h"
#include "signal/dpss.h"
#include "signal/rows.h"

namespace eegtorch {

namespace {

constexpr double kLowBias = 0.9;
constexpr int64_t kMostTapers = 1000;

// Adaptive weights are settled where no mean square over tapers changed by this, or after so many turns.
constexpr double kSettled = 1e-10;
constexpr int kMostTurns = 150;

struct Tapers {
  at::Tensor values;         // (tapers, samples)
  at::Tensor concentration;  // (tapers)

  int64_t count() const { return values.size(0); }
};

Tapers makeTapers(const char* owner, const at::Tensor& x, const MultitaperOptions& options) {
  const auto n = x.size(-1);
  const double half = options.half_bandwidth;
  OptionCheck(owner).require(half >= 0.5 && half < (static_cast<double>(n) + 1) / 2 && half <= kMostTapers / 2,
                             "bandwidth", "from the sampling rate over the samples, to less than the sampling rate",
                             std::to_string(2 * half * options.sampling_rate / static_cast<double>(n)));
  auto [values, concentration] = prolateTapers(n, half, std::min(n, static_cast<int64_t>(2 * half)));
  if (options.low_bias) {
    auto kept = (concentration > kLowBias).nonzero().squeeze(-1);
    if (kept.numel() == 0) kept = concentration.argmax().unsqueeze(0);
    values = values.index_select(0, kept);
    concentration = concentration.index_select(0, kept);
  }
  return {values.to(x.options()), concentration.to(x.options())};
}

// Elements of the buffer for signals under their tapers: a plan of MKL for a long transform takes as long as several
// transforms, so that as many as fit share one.
constexpr int64_t kAtOnce = 1 << 23;

// Squared parts of the spectra of a signal (samples) under tapers (tapers, samples), zero and half the sampling rate,
// which have one sign, halved. -> (tapers, all bins, 2)
at::Tensor squareParts(const at::Tensor& signal, const at::Tensor& tapers) {
  auto parts = at::view_as_real(at::fft_rfft(tapers * signal)).square_();
  parts.select(1, 0).div_(2);
  if (signal.size(-1) % 2 == 0) parts.select(1, -1).div_(2);
  return parts;
}

// body(first taper, squared parts of the spectra under it and those that follow)
template <class Body>
void overTapers(const at::Tensor& signal, const Tapers& tapers, const Body& body) {
  const auto step = std::max<int64_t>(1, kAtOnce / signal.size(-1));
  for (int64_t k = 0; k < tapers.count(); k += step) {
    const auto count = std::min(step, tapers.count() - k);
    body(k, squareParts(signal, tapers.values.narrow(0, k, count)));
  }
}

// Power under each taper: (samples) -> (1, tapers, all bins)
at::Tensor allPower(const at::Tensor& signal, const Tapers& tapers) {
  auto power = at::empty({tapers.count(), signal.size(-1) / 2 + 1}, signal.options());
  overTapers(signal, tapers, [&](int64_t first, const at::Tensor& parts) {
    power.narrow(0, first, parts.size(0)).copy_(parts.sum(-1));
  });
  return power.unsqueeze(0);
}

// Mean of power, weighted by concentration; both signs of a frequency count. (samples) -> (bins)
at::Tensor meanPower(const at::Tensor& signal, const Tapers& tapers, int64_t first, int64_t bins) {
  auto total = at::zeros({bins, 2}, signal.options());
  overTapers(signal, tapers, [&](int64_t taper, const at::Tensor& parts) {
    for (int64_t k = 0; k < parts.size(0); k++)
      total.addcmul_(parts[k].narrow(0, first, bins), tapers.concentration[taper + k]);
  });
  return total.sum(-1).mul_(2).div_(tapers.concentration.sum());
}

// Sum over tapers of weighted power, over the weights' sum; both signs of a frequency count.
// power (rows, tapers, bins), weights (rows or 1, tapers, bins or 1) -> (rows, bins)
at::Tensor weighted(const at::Tensor& power, const at::Tensor& weights) {
  return (power * weights).sum(1).mul_(2).div_(weights.sum(1));
}

// Weights that trust a taper less where what leaks from other frequencies outweighs its power (Thomson 1982, section
// V).
at::Tensor adaptivePower(const at::Tensor& power, const at::Tensor& within, int64_t first, int64_t bins) {
  const auto whole = weighted(power, within);  // (rows, all bins)
  const auto variance =
      (at::trapezoid(whole, M_PI / static_cast<double>(power.size(-1)), -1) / (2 * M_PI)).view({-1, 1, 1});
  const auto kept = power.narrow(-1, first, bins);
  auto result = weighted(kept.narrow(1, 0, 2), within.narrow(1, 0, 2));
  auto previous = at::zeros_like(kept);
  for (int turn = 0; turn < kMostTurns; turn++) {
    const auto estimate = result.unsqueeze(1);
    const auto weights = estimate / (within * estimate + (1 - within) * variance) * within.sqrt();
    if ((weights - previous).square_().mean(1).max().item<double>() < kSettled) break;
    result = weighted(kept, weights.square());
    previous = weights;
  }
  return result;
}

}  // namespace

at::Tensor multitaper(const at::Tensor& x, const MultitaperOptions& options, int64_t first, int64_t bins) {
  constexpr auto owner = "multitaper";
  checkSignal(owner, x);
  const OptionCheck check(owner);
  check.positive("sampling_rate", options.sampling_rate);
  const auto n = x.size(-1), all = n / 2 + 1;
  check.require(first >= 0 && bins >= 1 && first + bins <= all, "bins",
                "some of the " + std::to_string(all) + " frequencies", std::to_string(bins));
  const auto tapers = makeTapers(owner, x, options);
  const bool adaptive = options.adaptive && tapers.count() >= 3;
  const auto within = tapers.concentration.view({1, -1, 1});

  const auto rows = x.reshape({-1, n});
  auto result = at::empty({rows.size(0), bins}, x.options());
  overRows(x, rows.size(0), kAtOnce, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      auto signal = rows[row];
      if (options.remove_mean) signal = signal - signal.mean();
      result[row].copy_(adaptive ? adaptivePower(allPower(signal, tapers), within, first, bins).squeeze(0)
                                 : meanPower(signal, tapers, first, bins));
    }
  });
  if (options.full_normalization) result.div_(options.sampling_rate);
  return result.reshape(shapeLike(x, 1, {bins}));
}

}  // namespace eegtorch
