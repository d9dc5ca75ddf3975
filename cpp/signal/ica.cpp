#include "signal/ica.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>

#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "core/value.h"
#include "signal/principal_components.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

// Ratio to the largest variance below which a mixing matrix is not to be trusted; MNE's.
constexpr double kSmallestVariance = 1e-6;

// Number of components that a number or a share asks for.
int64_t componentCount(const Tensor& variances, double asked) {
  const auto stable = (variances > variances[0] * kSmallestVariance).sum().item<int64_t>();
  if (asked > 0 && asked < 1) {
    const auto sums = variances.cumsum(0);
    const auto below = (sums / sums[-1] <= asked).sum().item<int64_t>();
    const auto count = std::min({below + 1, variances.size(0), stable});
    if (count >= 2) return count;
  } else if (asked == std::floor(asked) && asked >= 2 && asked <= static_cast<double>(stable)) {
    return static_cast<int64_t>(asked);
  }
  throw Error("INVALID_OPTION", "ica: the number of components does not fit the recording",
              "a whole number from 2 to " + std::to_string(stable) +
                  ", its independent channels, or a share of the variance that needs two",
              Value(asked).show(), "components");
}

Tensor standardDeviation(const Tensor& mean, const Tensor& variances, int64_t samples) {
  const auto channels = mean.size(0);
  const auto within = variances.sum() * (samples - 1) / samples;
  const auto between = (mean - mean.mean()).square().sum();
  return ((within + between) / channels).sqrt().reshape({1});
}

void checkMatrices(const char* owner, const Tensor& unmixing, const Tensor& principal) {
  checkInput(owner, principal, principal, {"components", {principal.size(-1), "channels"}});
  checkInput(owner, unmixing, principal, {"components", {unmixing.size(-1), "components"}});
  OptionCheck(owner).require(unmixing.size(0) == unmixing.size(1) && unmixing.size(0) <= principal.size(0), "unmixing",
                             "a square matrix of at most " + std::to_string(principal.size(0)) + " rows",
                             showShape(unmixing.sizes()));
}

}  // namespace

IcaWhitening icaWhitening(const Tensor& x, double components) {
  const auto found = principalComponents(x);
  IcaWhitening result;
  result.mean = found.mean;
  result.principal = found.components;
  result.scale = standardDeviation(found.mean, found.variances, x.size(1));
  if (!(result.scale.item<double>() > 0))
    throw Error("INVALID_OPTION", "ica: the recording never changes", "channels that vary", "constant channels");
  result.variances = found.variances / result.scale.square();
  const auto count = componentCount(result.variances, components);
  Tensor matrix, offset;
  onOneThread([&] {
    matrix = found.components.narrow(0, 0, count) / found.variances.narrow(0, 0, count).sqrt().unsqueeze(1);
    offset = -at::mv(matrix, found.mean);
  });
  result.white = sampleBySample(x, matrix, offset);
  return result;
}

Tensor icaUnmixing(const Tensor& matrix, const Tensor& variances) {
  constexpr auto owner = "ica_unmixing";
  checkInput(owner, matrix, matrix, {"components", {matrix.size(-1), "components"}});
  checkInput(owner, variances, matrix, {"channels"});
  Tensor result;
  onOneThread([&] {
    const auto unmixing = matrix / variances.narrow(0, 0, matrix.size(0)).sqrt();
    // The power of a source is its row's squared length, since whitened samples have unit covariance.
    const auto explained = at::linalg_pinv(unmixing).square().sum(0) * matrix.square().sum(1);
    result = unmixing.index_select(0, explained.argsort(/*dim=*/0, /*descending=*/true));
  });
  return result;
}

std::pair<Tensor, Tensor> icaMatrices(const Tensor& unmixing, const Tensor& principal, const Tensor& scale) {
  checkMatrices("ica_matrices", unmixing, principal);
  std::pair<Tensor, Tensor> result;
  onOneThread([&] {
    const auto used = principal.narrow(0, 0, unmixing.size(0));
    result = {at::mm(unmixing, used) / scale, at::mm(used.t(), at::linalg_pinv(unmixing)) * scale};
  });
  return result;
}

Tensor icaProjection(const Tensor& unmixing, const Tensor& principal, at::IntArrayRef keep, int64_t principal_count) {
  constexpr auto owner = "ica_projection";
  checkMatrices(owner, unmixing, principal);
  const auto n = unmixing.size(0), p = principal.size(0);
  const OptionCheck check(owner);
  check.require(principal_count >= n && principal_count <= p, "principal_components",
                "a number from " + std::to_string(n) + " to " + std::to_string(p), std::to_string(principal_count));
  for (const int64_t k : keep)
    check.require(k >= 0 && k < n, "keep", "components from 0 to " + std::to_string(n - 1), std::to_string(k));
  Tensor result;
  onOneThread([&] {
    std::vector<int64_t> numbers(keep.begin(), keep.end());
    const auto kept =
        at::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())}, at::kLong).to(unmixing.device());
    const auto used = principal.narrow(0, 0, n), rest = principal.narrow(0, n, principal_count - n);
    const auto mixing = at::mm(used.t(), at::linalg_pinv(unmixing)).index_select(1, kept);
    result = at::mm(mixing, at::mm(unmixing, used).index_select(0, kept)) + at::mm(rest.t(), rest);
  });
  return result;
}

}  // namespace eegtorch
