#include "signal/euclidean_alignment.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>
#include <tuple>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/channels.h"
#include "signal/small_matrices.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

constexpr size_t kCached = size_t{1} << 24;  // bytes that may still be in the cache when they are read again

void checkTrials(const char* owner, const at::Tensor& x) {
  checkChannels(owner, x);
  if (x.dim() < 3 || x.size(-3) == 0)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": trials need another shape",
                "(..., trials, channels, samples), at least one trial", showShape(x.sizes()));
}

// x x' of x (channels, samples), where the row is not below the column.
at::Tensor wholePower(const at::Tensor& x) {
  const auto channels = x.size(0);
  const TimeLanes lanes(x.size(1), x.device(), channels * channels);
  const auto sums = lanes.zeros({channels, channels}, x.options());
  ProductRooms rooms;
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    addPower(x.narrow(1, from, count), sums[static_cast<size_t>(lane)], rooms);
  });
  return addLanes(sums);
}

// The same, summed over the trials of x (trials, channels, samples).
at::Tensor powerOfTrials(const at::Tensor& x) {
  const auto trials = x.size(0), channels = x.size(1), samples = x.size(2);
  // One after the other in a recording, as fixed-length epochs are, they are one.
  if (x.stride(0) == samples && x.stride(2) == 1)
    return wholePower(x.as_strided({channels, trials * samples}, {x.stride(1), 1}));
  const TimeLanes lanes(trials, x.device(), channels * channels * samples, 1);
  const auto sums = lanes.zeros({channels, channels}, x.options());
  ProductRooms rooms;
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    for (auto i = from; i < from + count; i++) addPower(x[i], sums[static_cast<size_t>(lane)], rooms);
  });
  return addLanes(sums);
}

// Mean of x x' over the trials of x (trials, channels, samples). Trials may lie in a recording: nothing is copied.
at::Tensor meanPower(const at::Tensor& x) {
  const auto power = powerOfTrials(x).div_(static_cast<double>(x.size(0)));
  return power.triu() + power.triu(1).t();
}

// root x for each trial of x (trials, channels, samples).
at::Tensor eachTimes(const at::Tensor& root, const at::Tensor& x) {
  const auto y = at::empty(x.sizes(), x.options());
  const bool streamed = y.nbytes() > kCached;
  const TimeLanes lanes(x.size(0), x.device(), root.numel() * x.size(2), 1);
  ProductRooms rooms;
  const auto weights = root.t().contiguous();
  lanes.run([&](int64_t, int64_t from, int64_t count) {
    for (auto i = from; i < from + count; i++) mixChannels(weights, x[i], y[i], streamed, rooms);
  });
  return y;
}

double epsilonOf(at::ScalarType type) {
  return type == at::kFloat ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
}

}  // namespace

at::Tensor euclideanReference(const at::Tensor& x) {
  checkTrials("euclidean_reference", x);
  if (x.dim() == 3 && x.is_cpu()) return meanPower(x.detach());
  return at::matmul(x, x.transpose(-1, -2)).mean(-3);
}

at::Tensor runningReference(const at::Tensor& x) {
  checkTrials("running_reference", x);
  const auto power = at::matmul(x, x.transpose(-1, -2));
  const auto counts = at::arange(1, x.size(-3) + 1, x.options()).view({-1, 1, 1});
  return power.cumsum(-3).div_(counts);
}

at::Tensor alignTo(const at::Tensor& x, const at::Tensor& reference) {
  constexpr auto owner = "align_to";
  checkChannels(owner, x);
  const auto channels = x.size(-2);
  if (reference.dim() < 2 || reference.size(-1) != channels || reference.size(-2) != channels)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": the reference has another shape",
                "(..., " + std::to_string(channels) + ", " + std::to_string(channels) + ")",
                showShape(reference.sizes()), "reference");
  const auto wanted = reference.detach().to(x.device(), at::kDouble);
  at::Tensor values, vectors;
  onOneThread([&] { std::tie(values, vectors) = at::linalg_eigh(wanted); });
  const auto smallest = values.amax(-1, true) * (static_cast<double>(channels) * epsilonOf(x.scalar_type()));
  const auto scale = at::where(values > smallest, values.rsqrt(), at::zeros_like(values));
  const auto root = at::matmul(vectors * scale.unsqueeze(-2), vectors.transpose(-1, -2));
  const auto own = root.to(x.options());
  const bool shared = own.numel() == channels * channels;
  if (shared && x.dim() == 3 && x.is_cpu()) return eachTimes(own.view({channels, channels}), x.detach());
  return at::matmul(own, x);
}

std::pair<at::Tensor, at::Tensor> euclideanAlignment(const at::Tensor& x, const std::string& mode,
                                                     int64_t calibration) {
  const OptionCheck check("euclidean_alignment");
  check.require(mode == "offline" || mode == "calibration" || mode == "running", "mode",
                "offline, calibration or running", mode);
  if (mode == "running") {
    const auto references = runningReference(x);
    return {alignTo(x, references), references};
  }
  auto fitted = x;
  if (mode == "calibration") {
    const auto trials = x.dim() < 3 ? 0 : x.size(-3);
    check.require(calibration >= 1 && calibration <= trials, "calibration",
                  "from 1 to the " + std::to_string(trials) + " trials", std::to_string(calibration));
    fitted = x.narrow(-3, 0, calibration);
  }
  const auto reference = euclideanReference(fitted);
  return {alignTo(x, reference.unsqueeze(-3)), reference};
}

}  // namespace eegtorch
