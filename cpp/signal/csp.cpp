#include "signal/csp.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>

#include "core/check.h"
#include "core/error.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

// Ratio to the largest variance below which a direction counts as empty.
constexpr double kEmpty = 1e-12;

// Rows that span what the mean covariance holds, and no more; undefined where that is everything.
Tensor principalSubspace(const Tensor& covariances) {
  const auto [values, vectors] = at::linalg_eigh(covariances.mean(0));
  const auto rank = (values > values[-1] * kEmpty).sum().item<int64_t>();
  if (!(values[-1].item<double>() > 0))
    throw Error("INVALID_OPTION", "csp: the signals never change", "channels that vary", "a covariance of zeros");
  return rank == values.size(0) ? Tensor() : vectors.narrow(1, values.size(0) - rank, rank).t();
}

// Solves S w = value (S + R) w; values rise, columns w satisfy w' (S + R) w = 1.
std::pair<Tensor, Tensor> contrastEigen(const Tensor& s, const Tensor& r) {
  const auto [values, vectors] = at::linalg_eigh(s + r);
  const auto white = vectors / values.sqrt();
  const auto [shares, turned] = at::linalg_eigh(at::mm(at::mm(white.t(), s), white));
  return {shares, at::mm(white, turned)};
}

// Columns of unit power in the mean of the classes.
Tensor diagonalisingColumns(const Tensor& covariances, const Tensor& weights) {
  const auto columns = jointDiagonaliser(covariances).t();
  const auto mean = (covariances * (weights / weights.sum()).reshape({-1, 1, 1})).sum(0);
  return columns / (columns * at::mm(mean, columns)).sum(0).sqrt();
}

// What each filter tells of the class (Grosse-Wentrup and Buss 2008, equation 16).
Tensor mutualInformation(const Tensor& columns, const Tensor& covariances, const Tensor& weights) {
  const auto power = (columns * at::matmul(covariances, columns)).sum(1);  // (classes, components)
  const auto share = (weights / weights.sum()).unsqueeze(1);
  const auto entropy = (share * power.sqrt().log()).sum(0);
  const auto flatness = (share * (power.square() - 1)).sum(0);
  return -(entropy + 3.0 / 16 * flatness.square());
}

// The largest, the smallest, the second largest and so on of values that rise.
Tensor bothEndsInTurn(int64_t count) {
  auto order = at::empty({count}, at::kLong);
  for (int64_t i = 0; i < count; i++) order[i] = i % 2 == 0 ? count - 1 - i / 2 : i / 2;
  return order;
}

}  // namespace

SpatialPatterns commonSpatialPatterns(const Tensor& covariances, const Tensor& weights, const std::string& order) {
  constexpr auto owner = "csp";
  const auto n = covariances.size(-1);
  checkInput(owner, covariances, covariances, {"classes", "channels", {n, "channels"}});
  checkInput(owner, weights, covariances, {{covariances.size(0), "weights"}});
  const auto classes = covariances.size(0);
  const OptionCheck check(owner);
  check.require(classes >= 2, "labels", "two classes or more", std::to_string(classes));
  check.require(order == "mutual_info" || (order == "alternate" && classes == 2), "order",
                classes == 2 ? "mutual_info or alternate" : "mutual_info, the only one for several classes", order);
  check.require(covariances.isfinite().all().item<bool>(), "x", "finite samples", "NaN or infinity");
  SpatialPatterns result;
  onOneThread([&] {
    const auto subspace = principalSubspace(covariances);
    const auto inner = subspace.defined() ? at::matmul(at::matmul(subspace, covariances), subspace.t()) : covariances;
    Tensor columns, ranking;
    if (classes == 2) {
      const auto [shares, found] = contrastEigen(inner[0], inner[1]);
      columns = found;
      ranking = order == "alternate" ? bothEndsInTurn(columns.size(1)).to(columns.device())
                                     : (shares - 0.5).abs().argsort(true, 0, true);
    } else {
      columns = diagonalisingColumns(inner, weights);
      ranking = mutualInformation(columns, inner, weights).argsort(true, 0, true);
    }
    if (subspace.defined()) columns = at::mm(subspace.t(), columns);
    columns = columns.index_select(1, ranking);
    result = {columns.t().contiguous(), at::linalg_pinv(columns)};
  });
  return result;
}

}  // namespace eegtorch
