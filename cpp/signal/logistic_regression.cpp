#include "signal/logistic_regression.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "core/check.h"
#include "signal/labelled_rows.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

// The loss over weights of shape (outputs, features + 1), the intercept last.
class Objective {
 public:
  Objective(const Tensor& features, const Tensor& labels, int64_t classes, double c)
      : rows_(at::cat({features, at::ones({features.size(0), 1}, features.options())}, 1)), c_(c) {
    const auto hot = at::one_hot(labels, classes).to(features.scalar_type());
    targets_ = classes == 2 ? hot.narrow(1, 1, 1) : hot;
    penalised_ = at::ones({1, rows_.size(1)}, features.options());
    penalised_.narrow(1, rows_.size(1) - 1, 1).zero_();
  }

  Tensor start() const { return at::zeros({targets_.size(1), rows_.size(1)}, rows_.options()); }

  double loss(const Tensor& weights) const {
    const auto scores = at::mm(rows_, weights.t());
    const auto fit =
        isBinary() ? at::softplus(scores, 1, 700) - targets_ * scores : -(targets_ * at::log_softmax(scores, 1));
    return c_ * fit.sum().item<double>() + 0.5 * (weights * weights * penalised_).sum().item<double>();
  }

  // Moves to `weights`, whose slope and curvature are then known.
  Tensor gradient(const Tensor& weights) {
    const auto scores = at::mm(rows_, weights.t());
    probabilities_ = isBinary() ? scores.sigmoid() : scores.softmax(1);
    return c_ * at::mm((probabilities_ - targets_).t(), rows_) + weights * penalised_;
  }

  Tensor curvatureAlong(const Tensor& direction) const {
    const auto scores = at::mm(rows_, direction.t());
    auto change = probabilities_ * scores;
    if (isBinary())
      change = change * (1 - probabilities_);
    else
      change = change - probabilities_ * change.sum(1, true);
    return c_ * at::mm(change.t(), rows_) + direction * penalised_;
  }

 private:
  bool isBinary() const { return targets_.size(1) == 1; }

  Tensor rows_, targets_, penalised_, probabilities_;
  double c_;
};

double sumOfProducts(const Tensor& a, const Tensor& b) { return (a * b).sum().item<double>(); }

// Solves curvature * step = -gradient by conjugate gradients, as far as it pays.
Tensor newtonStep(const Objective& objective, const Tensor& gradient) {
  const double size = std::sqrt(sumOfProducts(gradient, gradient)), goal = std::min(0.1, std::sqrt(size)) * size;
  auto step = at::zeros_like(gradient);
  Tensor left = -gradient, direction = left;
  double power = sumOfProducts(left, left);
  for (int64_t i = 0; i < 10 * gradient.numel() && std::sqrt(power) > goal; i++) {
    stopIfCancelled();
    const auto curved = objective.curvatureAlong(direction);
    const double curvature = sumOfProducts(direction, curved);
    if (!(curvature > 0)) break;
    const double length = power / curvature;
    step = step + length * direction;
    left = left - length * curved;
    const double next = sumOfProducts(left, left);
    direction = left + (next / power) * direction;
    power = next;
  }
  return step;
}

LogisticModel minimise(Objective& objective, double tol, int64_t max_iter) {
  auto weights = objective.start();
  double loss = objective.loss(weights), first = 0;
  LogisticModel result;
  while (true) {
    const auto gradient = objective.gradient(weights);
    const double largest = gradient.abs().max().item<double>();
    if (result.iterations == 0) first = largest;
    result.converged = largest <= tol * std::max(first, 1.0);
    if (result.converged || result.iterations == max_iter) break;
    const auto step = newtonStep(objective, gradient);
    const double slope = sumOfProducts(gradient, step);
    double length = 1, next = objective.loss(weights + step);
    // Armijo's rule; the last digits of the loss are rounding.
    const double rounding = 1e-14 * std::abs(loss);
    while (!(next <= loss + 1e-4 * length * slope + rounding) && length > 1e-10)
      next = objective.loss(weights + (length /= 2) * step);
    if (length <= 1e-10) break;
    weights = weights + length * step;
    loss = next;
    result.iterations++;
  }
  const auto features = weights.size(1) - 1;
  result.coefficients = weights.narrow(1, 0, features).contiguous();
  result.intercepts = weights.select(1, features).contiguous();
  return result;
}

}  // namespace

LogisticModel logisticRegression(const Tensor& features, const Tensor& labels, int64_t classes, double c, double tol,
                                 int64_t max_iter) {
  constexpr auto owner = "logistic_regression";
  const OptionCheck check(owner);
  check.positive("c", c);
  check.positive("tol", tol);
  check.size("max_iter", max_iter);
  checkLabelledRows(owner, features, labels, classes);
  LogisticModel result;
  onOneThread([&] {
    Objective objective(features.detach(), labels.detach(), classes, c);
    result = minimise(objective, tol, max_iter);
  });
  return result;
}

}  // namespace eegtorch
