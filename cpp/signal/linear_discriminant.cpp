#include "signal/linear_discriminant.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "signal/covariance.h"
#include "signal/labelled_rows.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

double precision(const Tensor& x) {
  return x.scalar_type() == at::kFloat ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
}

// rows (count, features) less their mean -> (features, features)
Tensor shrunkCovariance(const Tensor& centred, const Tensor& mean) {
  const auto variances = centred.square().mean(0);
  // A feature that varies by rounding only counts as constant.
  const auto rounding = (mean * (10 * precision(mean))).square() * static_cast<double>(centred.size(0));
  const auto scales = at::where(variances <= rounding, at::ones_like(variances), variances.sqrt());
  const auto shrunk = covariances((centred / scales).t(), {"lwf", 0, true});
  return shrunk * scales.unsqueeze(0) * scales.unsqueeze(1);
}

// The lower triangular factor, or an undefined tensor where a pivot is rounding error of its diagonal: dependent rows.
Tensor factor(const Tensor& matrix) {
  const auto [lower, info] = at::linalg_cholesky_ex(matrix);
  if (info.item<int64_t>() != 0) return {};
  const auto pivots = lower.diagonal().square();
  const auto rounding = matrix.diagonal() * (static_cast<double>(matrix.size(0)) * precision(matrix));
  return pivots.gt(rounding).all().item<bool>() ? lower : Tensor();
}

Tensor factorLoaded(Tensor covariance) {
  const auto mean = covariance.diagonal().mean().item<double>();
  const double size = mean == 0 ? 1 : mean;
  for (double load = 1e-10; load < 1; load *= 10) {
    if (const auto lower = factor(covariance); lower.defined()) return lower;
    covariance = covariance.clone();
    covariance.diagonal().add_(load * size);
  }
  throw Error("INVALID_OPTION", "the features have no usable covariance: they are too large or too small",
              "a covariance of finite numbers", "others", "features");
}

}  // namespace

DiscriminantModel linearDiscriminant(const Tensor& features, const Tensor& labels, int64_t classes) {
  checkLabelledRows("linear_discriminant", features, labels, classes);
  const auto rows = features.detach();
  DiscriminantModel result;
  onOneThread([&] {
    std::vector<Tensor> means, priors;
    auto pooled = at::zeros({rows.size(1), rows.size(1)}, rows.options());
    for (int64_t c = 0; c < classes; c++) {
      stopIfCancelled();
      const auto own = rows.index_select(0, labels.eq(c).nonzero().squeeze(1));
      const double prior = static_cast<double>(own.size(0)) / static_cast<double>(rows.size(0));
      const auto mean = own.mean(0);
      pooled.add_(shrunkCovariance(own - mean, mean), prior);
      means.push_back(mean);
      priors.push_back(at::full({}, std::log(prior), rows.options()));
    }
    const auto centres = at::stack(means);  // (classes, features)
    result.coefficients = at::cholesky_solve(centres.t(), factorLoaded(pooled)).t().contiguous();
    result.intercepts = at::stack(priors) - 0.5 * (result.coefficients * centres).sum(1);
  });
  return result;
}

}  // namespace eegtorch
