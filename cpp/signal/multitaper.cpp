#include "signal/multitaper.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/trapezoid.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

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

// Squared parts of the spectrum of (rows, samples) under a taper, zero and half the sampling rate, which have one sign,
// halved. -> (rows, all bins, 2)
at::Tensor squareParts(const at::Tensor& rows, const at::Tensor& taper) {
  auto parts = at::view_as_real(at::fft_rfft(rows * taper)).square_();
  parts.select(1, 0).div_(2);
  if (rows.size(-1) % 2 == 0) parts.select(1, -1).div_(2);
  return parts;
}

// Power under each taper: (rows, samples) -> (rows, tapers, all bins)
at::Tensor allPower(const at::Tensor& rows, const Tapers& tapers) {
  auto power = at::empty({rows.size(0), tapers.count(), rows.size(-1) / 2 + 1}, rows.options());
  for (int64_t k = 0; k < tapers.count(); k++)
    power.select(1, k).copy_(squareParts(rows, tapers.values.select(0, k)).sum(-1));
  return power;
}

// Mean of power, weighted by concentration; both signs of a frequency count. One taper is held at a time.
// (rows, samples) -> (rows, bins)
at::Tensor meanPower(const at::Tensor& rows, const Tapers& tapers, int64_t first, int64_t bins) {
  auto total = at::zeros({rows.size(0), bins, 2}, rows.options());
  for (int64_t k = 0; k < tapers.count(); k++) {
    const auto weight = tapers.concentration[k];
    total.addcmul_(squareParts(rows, tapers.values.select(0, k)).narrow(1, first, bins), weight);
  }
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
  overRows(x, rows.size(0), 4 * n * (adaptive ? tapers.count() : 1), [&](int64_t from, int64_t to) {
    // Adaptive weights settle for each signal by itself.
    const auto step = adaptive ? 1 : to - from;
    for (int64_t at = from; at < to; at += step) {
      auto some = rows.narrow(0, at, step);
      if (options.remove_mean) some = some - some.mean(-1, true);
      result.narrow(0, at, step)
          .copy_(adaptive ? adaptivePower(allPower(some, tapers), within, first, bins)
                          : meanPower(some, tapers, first, bins));
    }
  });
  if (options.full_normalization) result.div_(options.sampling_rate);
  return result.reshape(shapeLike(x, 1, {bins}));
}

}  // namespace eegtorch
