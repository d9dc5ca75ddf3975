#include "signal/epochs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/channels.h"
#include "signal/check.h"
#include "signal/order_statistics.h"
#include "signal/rows.h"

namespace eegtorch {

at::Tensor cutEpochs(const at::Tensor& x, at::IntArrayRef starts, int64_t length, int64_t baseline_from,
                     int64_t baseline_to) {
  constexpr auto owner = "cut_epochs";
  checkChannels(owner, x);
  const OptionCheck check(owner);
  check.require(length >= 1 && length <= x.size(-1), "length",
                "from 1 to the " + std::to_string(x.size(-1)) + " samples", std::to_string(length));
  check.require(0 <= baseline_from && baseline_from <= baseline_to && baseline_to <= length, "baseline",
                "a part of the " + std::to_string(length) + " samples of an epoch",
                std::to_string(baseline_from) + " to " + std::to_string(baseline_to));
  auto result = at::empty(shapeLike(x, 2, {static_cast<int64_t>(starts.size()), x.size(-2), length}), x.options());
  for (size_t i = 0; i < starts.size(); i++) {
    check.require(starts[i] >= 0 && starts[i] <= x.size(-1) - length, "starts",
                  "from 0 to " + std::to_string(x.size(-1) - length), std::to_string(starts[i]));
    result.select(-3, static_cast<int64_t>(i)).copy_(x.narrow(-1, starts[i], length));
  }
  if (baseline_from == baseline_to) return result;
  return result.sub_(result.narrow(-1, baseline_from, baseline_to - baseline_from).mean(-1, true));
}

at::Tensor peakToPeak(const at::Tensor& x) {
  checkSignal("peak_to_peak", x);
  const auto [low, high] = at::aminmax(x, -1);
  return high - low;
}

namespace {

// Adds to error[i], for each i, how far (root mean square) the mean of those of the epochs order[0 .. i] that are not
// held out is from the median of the held-out ones, from .. to; infinity where there are none.
void addDistances(const at::Tensor& x, const at::Tensor& order, int64_t from, int64_t to, std::vector<double>& error) {
  const auto target = medianOf(x.narrow(0, from, to - from).movedim(0, -1));  // (channels, samples)
  auto sum = at::zeros_like(target);
  double distance = std::numeric_limits<double>::infinity();
  for (int64_t i = 0, kept = 0; i < x.size(0); i++) {
    const auto epoch = order[i].item<int64_t>();
    if (epoch < from || epoch >= to) {
      sum.add_(x[epoch]);
      distance = std::sqrt((sum / static_cast<double>(++kept) - target).square_().mean().item<double>());
    }
    error[i] += distance;
  }
}

}  // namespace

at::Tensor peakToPeakThreshold(const at::Tensor& x, int64_t folds) {
  constexpr auto owner = "peak_to_peak_threshold";
  checkChannels(owner, x);
  if (x.dim() != 3)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": epochs need another shape", "(epochs, channels, samples)",
                showShape(x.sizes()));
  const auto n = x.size(0);
  OptionCheck(owner).require(folds >= 2 && folds <= n, "folds", "from 2 to the " + std::to_string(n) + " epochs",
                             std::to_string(folds));
  const auto amplitude = peakToPeak(x).amax(-1);  // (epochs)
  if (!amplitude.isfinite().all().item<bool>())
    throw Error("INVALID_OPTION", std::string(owner) + ": the epochs hold what is not a number", "finite samples",
                "NaN or infinity");
  const auto [candidates, order] = amplitude.to(at::kCPU).sort();
  std::vector<double> error(n);
  for (int64_t fold = 0, from = 0; fold < folds; fold++) {
    const auto to = from + n / folds + (fold < n % folds);
    addDistances(x, order, from, to, error);
    from = to;
  }
  int64_t best = n - 1;
  for (int64_t i = n - 2; i >= 0; i--) {
    // equal amplitudes are kept or left out together: the last of them stands for all
    const bool last = candidates[i].item<double>() < candidates[i + 1].item<double>();
    if (last && error[i] <= error[best]) best = i;
  }
  return candidates[best].clone().to(x.device());
}

}  // namespace eegtorch
