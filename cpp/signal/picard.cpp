#include "signal/picard.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/matrix_exp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <cmath>
#include <deque>
#include <optional>

#include "core/check.h"
#include "signal/picard_density.h"
#include "signal/principal_components.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

constexpr int64_t kGradientTries = 10;

// The likelihood's gradient and Hessian at a point, in coordinates relative to it.
struct Slope {
  Tensor gradient, hessian;  // (n, n); the Hessian holds the curvature along each coefficient by itself
};

// Moves along the likelihood from one unmixing matrix to the next.
class PicardSearch {
 public:
  PicardSearch(const Tensor& x, const Tensor& start, const PicardOptions& options)
      : x_(x), start_(start), options_(options), density_{options.fun} {
    const auto n = x.size(0);
    identity_ = at::eye(n, x.options());
    covariance_ = product(product(start, scatterMatrix(x, {}) / x.size(1)), start.t());
    signs_ = at::ones({n}, x.options());
    here_ = evaluate(identity_);
  }

  Unmixing run() {
    Unmixing result;
    bool has_loss = true;
    while (true) {
      stopIfCancelled();
      const bool sign_change = updateSigns() && result.iterations > 0;
      const auto slope = slopeHere();
      result.converged = slope.gradient.abs().max().item<double>() < options_.tol;
      if (result.converged || result.iterations == options_.max_iter) break;
      if (result.iterations > 0) remember(slope.gradient);
      if (options_.extended && sign_change) {
        has_loss = false;
        forget();
      }
      gradient_ = slope.gradient;
      if (!has_loss) loss_ = lossOf(here_);
      has_loss = true;
      if (!searchAlong(directionFrom(slope), options_.ls_tries, false)) {
        forget();
        searchAlong(-gradient_, kGradientTries, true);
      }
      result.iterations++;
    }
    result.matrix = product(here_.matrix, start_);
    return result;
  }

 private:
  struct Point {
    Tensor matrix;  // relative to the start
    Tensor covariance;
    DensityMeans means;
  };

  static Tensor product(const Tensor& a, const Tensor& b) {
    Tensor result;
    onOneThread([&] { result = at::mm(a, b); });
    return result;
  }

  Point evaluate(const Tensor& matrix) {
    Point point{matrix, product(product(matrix, covariance_), matrix.t()),
                densityMeans(x_, product(matrix, start_), density_, !options_.ortho)};
    if (!loss_) loss_ = lossOf(point);
    return point;
  }

  // Minus the log-likelihood of the sources.
  double lossOf(const Point& point) const {
    auto loss = (signs_ * point.means.energy).sum();
    if (options_.ortho) return loss.item<double>();
    if (options_.extended) loss += 0.5 * point.covariance.diagonal().sum();
    onOneThread([&] { loss -= std::get<1>(at::linalg_slogdet(point.matrix)); });
    return loss.item<double>();
  }

  // Decides whether sources are flat or peaked; true where a decision changed.
  bool updateSigns() {
    if (!options_.extended) return false;
    const auto& means = here_.means;
    const auto signs = (means.slope * here_.covariance.diagonal() - means.gradient.diagonal()).sign();
    const bool changed = signs.ne(signs_).any().item<bool>();
    signs_ = signs;
    return changed;
  }

  Slope slopeHere() const {
    auto gradient = here_.means.gradient * signs_.unsqueeze(1);
    if (options_.ortho) {
      const auto own = gradient.diagonal().clone();
      const auto curvature = (signs_ * here_.means.slope - own);
      const auto hessian = (0.5 * (curvature.unsqueeze(1) + curvature.unsqueeze(0))).clamp_min(options_.lambda_min);
      return {(gradient - gradient.t()) / 2, hessian};
    }
    auto hessian = here_.means.hessian * signs_.unsqueeze(1);
    if (options_.extended) {
      gradient = gradient + here_.covariance;
      hessian = hessian + here_.covariance.diagonal().unsqueeze(0);
    }
    return {gradient - identity_, regularised(hessian)};
  }

  // Shifts the smaller eigenvalue of each 2 x 2 block ((h_ij, 1), (1, h_ji)) up to lambda_min.
  Tensor regularised(const Tensor& hessian) const {
    const auto root = ((hessian - hessian.t()).square() + 4).sqrt();
    const auto smaller = 0.5 * (hessian + hessian.t() - root);
    return hessian + (options_.lambda_min - smaller).clamp_min(0) * (1 - identity_);
  }

  Tensor solveHessian(const Slope& slope, const Tensor& q) const {
    if (options_.ortho) {
      const auto z = q / slope.hessian;
      return (z - z.t()) / 2;
    }
    const auto& h = slope.hessian;
    return (h.t() * q - q.t()) / (h * h.t() - 1);
  }

  // L-BFGS in two loops, with the Hessian's approximation in the middle.
  Tensor directionFrom(const Slope& slope) const {
    auto q = slope.gradient.clone();
    std::vector<Tensor> factors;
    for (size_t i = moves_.size(); i-- > 0;) {
      const auto factor = curvatures_[i] * (moves_[i] * q).sum();
      factors.insert(factors.begin(), factor);
      q -= factor * changes_[i];
    }
    auto z = solveHessian(slope, q);
    for (size_t i = 0; i < moves_.size(); i++) {
      const auto beta = curvatures_[i] * (changes_[i] * z).sum();
      z += (factors[i] - beta) * moves_[i];
    }
    return -z;
  }

  void remember(const Tensor& gradient) {
    moves_.push_back(move_);
    changes_.push_back(gradient - gradient_);
    curvatures_.push_back(1 / (moves_.back() * changes_.back()).sum());
    if (static_cast<int64_t>(moves_.size()) <= options_.m) return;
    moves_.pop_front();
    changes_.pop_front();
    curvatures_.pop_front();
  }

  void forget() {
    moves_.clear();
    changes_.clear();
    curvatures_.clear();
  }

  // Halves the step until the loss falls; false where it never does. Then `keep_last` takes the last try all the same,
  // as the picard package does once even the gradient leads nowhere.
  bool searchAlong(const Tensor& direction, int64_t tries, bool keep_last) {
    double length = 1;
    Point last;
    for (int64_t i = 0; i < tries; i++, length /= 2) {
      Tensor transform;
      move_ = length * direction;
      onOneThread([&] { transform = options_.ortho ? at::matrix_exp(move_) : identity_ + move_; });
      last = evaluate(product(transform, here_.matrix));
      const auto loss = lossOf(last);
      if (!std::isfinite(loss) || loss >= *loss_) continue;
      here_ = last;
      loss_ = loss;
      return true;
    }
    if (!keep_last) return false;
    here_ = last;
    loss_ = lossOf(last);
    move_ = length * direction;
    return false;
  }

  Tensor x_, start_;
  PicardOptions options_;
  Density density_;
  Tensor identity_, covariance_, signs_;
  Point here_;
  std::optional<double> loss_;
  Tensor gradient_, move_;
  std::deque<Tensor> moves_, changes_, curvatures_;
};

}  // namespace

Unmixing picard(const Tensor& white, const Tensor& start, const PicardOptions& options) {
  constexpr auto owner = "picard";
  checkRecording(owner, white, "components");
  checkInput(owner, start, white, {{white.size(0), "components"}, {white.size(0), "components"}});
  const OptionCheck check(owner);
  check.size("max_iter", options.max_iter);
  check.size("m", options.m);
  check.size("ls_tries", options.ls_tries);
  check.weight("tol", options.tol);
  check.positive("lambda_min", options.lambda_min);
  check.require(options.fastica_it >= 0, "fastica_it", "0 or above", std::to_string(options.fastica_it));
  const auto& fun = options.fun;
  check.require(fun == "tanh" || fun == "exp" || fun == "cube", "fun", "tanh, exp or cube", fun);
  auto first = start.detach();
  if (options.fastica_it > 0) {
    const auto contrast = fun == "tanh" ? "logcosh" : fun;
    first = fastIcaSteps(white.detach(), first, contrast, Density{fun}.alpha(), options.fastica_it);
  }
  return PicardSearch(white.detach(), first, options).run();
}

}  // namespace eegtorch
