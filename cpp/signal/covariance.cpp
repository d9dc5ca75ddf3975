#include "signal/covariance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_unique2.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/check.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

// What an estimator needs to know of samples: (channels, channels) sum of products, sum of the squared lengths squared.
struct Moments {
  Tensor products, fourth;
};

Moments momentsOf(const Tensor& x) {
  const TimeLanes lanes(x.size(1), x.device(), x.size(0) * x.size(0));
  const auto products = lanes.zeros({x.size(0), x.size(0)}, x.options());
  const auto fourths = lanes.zeros({}, x.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    const auto block = x.narrow(1, from, count);
    products[lane].addmm_(block, block.t());
    fourths[lane].add_(block.square().sum(0).square().sum());
  });
  return {addLanes(products), addLanes(fourths)};
}

double oasShare(const Tensor& covariance, int64_t samples) {
  const auto p = static_cast<double>(covariance.size(0));
  const double alpha = covariance.square().mean().item<double>();
  const double mu = covariance.diagonal().mean().item<double>();
  const double noise = alpha + mu * mu, spread = (samples + 1.0) * (alpha - mu * mu / p);
  return spread == 0 ? 1 : std::min(noise / spread, 1.0);
}

double ledoitWolfShare(const Moments& moments, const Tensor& covariance, int64_t samples) {
  const auto p = static_cast<double>(covariance.size(0)), n = static_cast<double>(samples);
  const double square = covariance.square().sum().item<double>();
  const double mu = covariance.diagonal().mean().item<double>();
  const double spread = square / p - mu * mu;
  const double noise = std::min((moments.fourth.item<double>() / n - square) / (p * n), spread);
  return noise == 0 ? 0 : noise / spread;
}

// x: (channels, samples) without a mean.
Tensor estimate(const Tensor& x, const CovarianceOptions& options) {
  const auto moments = momentsOf(x);
  const auto covariance = moments.products / x.size(1);
  double share = options.shrinkage;
  if (options.estimator == "scm" || x.size(0) == 1) return covariance;
  if (options.estimator == "oas") share = oasShare(covariance, x.size(1));
  if (options.estimator == "lwf") share = ledoitWolfShare(moments, covariance, x.size(1));
  const auto target = at::eye(x.size(0), x.options()) * covariance.diagonal().mean();
  return covariance * (1 - share) + target * share;
}

void checkOptions(const char* owner, const CovarianceOptions& options) {
  const auto& name = options.estimator;
  const OptionCheck check(owner);
  check.require(name == "scm" || name == "oas" || name == "lwf" || name == "shrunk", "estimator",
                "scm, oas, lwf or shrunk", name);
  check.fraction("shrinkage", options.shrinkage);
}

}  // namespace

Tensor covariances(const Tensor& x, const CovarianceOptions& options) {
  constexpr auto owner = "covariances";
  checkSignal(owner, x);
  checkOptions(owner, options);
  if (x.dim() < 2)
    throw Error("SHAPE_MISMATCH", "covariances needs channels", "(..., channels, samples)", showShape(x.sizes()));
  auto shape = x.sizes().vec();
  shape.back() = x.size(-2);
  const auto windows = x.detach().reshape({-1, x.size(-2), x.size(-1)});
  const auto result = at::empty(shape, x.options());
  const auto all = result.view({-1, x.size(-2), x.size(-2)});
  eachAlone(windows.size(0), x.device(), windows.size(2) * windows.size(1) * windows.size(1), [&](int64_t i) {
    const auto window = options.centred ? windows[i] : windows[i] - windows[i].mean(1, true);
    all[i].copy_(estimate(window, options));
  });
  return result;
}

std::pair<Tensor, Tensor> classCovariances(const Tensor& x, const Tensor& labels, const std::string& estimator,
                                           double shrinkage, bool by_epoch) {
  constexpr auto owner = "class_covariances";
  const CovarianceOptions options{estimator, shrinkage, true};
  checkSignal(owner, x);
  checkOptions(owner, options);
  checkInput(owner, x, x, {"epochs", "channels", "samples"});
  checkIndices(owner, labels, {{x.size(0), "labels"}});
  std::vector<Tensor> result;
  const auto values = labels.detach().cpu();
  const auto [classes, _, counts] = at::_unique2(values, true, false, true);
  for (int64_t c = 0; c < classes.size(0); c++) {
    const auto rows = (values == classes[c]).nonzero().squeeze(1).to(x.device());
    const auto own = x.detach().index_select(0, rows);
    const auto samples = own.size(2) * (by_epoch ? 1 : own.size(0));
    const auto unbiased = static_cast<double>(samples) / std::max<int64_t>(samples - 1, 1);
    const auto covariance = by_epoch ? covariances(own, options).mean(0)
                                     : estimate(own.transpose(0, 1).reshape({own.size(1), -1}), options);
    result.push_back(covariance * unbiased);
  }
  return {at::stack(result), counts.to(x.options())};
}

}  // namespace eegtorch
