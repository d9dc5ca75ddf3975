#include "signal/fastica.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

#include "core/check.h"
#include "signal/principal_components.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

// A contrast's first derivative g and second derivative g' at some amplitudes.
struct Contrast {
  std::string fun;
  double alpha;

  // Turns amplitudes (rows, samples) into g of them; returns the sum of g' over samples, (rows).
  at::Tensor derive(at::Tensor& y) const {
    if (fun == "logcosh") {
      if (alpha != 1) y.mul_(alpha);
      y.tanh_();
      return alpha * (y.size(1) - y.square().sum(1));
    }
    const auto square = y.square();
    if (fun == "cube") {
      y.mul_(square);
      return 3 * square.sum(1);
    }
    const auto bell = (square * (-0.5 * alpha)).exp_();
    y.mul_(bell);
    return ((1 - alpha * square) * bell).sum(1);
  }
};

// mean(g(W x) x') - diag(mean(g'(W x))) W: one step of the fixed-point iteration before the rows are made orthonormal.
at::Tensor fixedPoint(const at::Tensor& white, const at::Tensor& matrix, const Contrast& contrast) {
  const TimeLanes lanes(white.size(1), white.device(), 2 * matrix.numel());
  const auto products = lanes.zeros(matrix.sizes(), white.options());
  const auto slopes = lanes.zeros({matrix.size(0)}, white.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    const auto block = white.narrow(1, from, count);
    auto y = at::mm(matrix, block);
    slopes[lane].add_(contrast.derive(y));
    products[lane].addmm_(y, block.t());
  });
  return (addLanes(products) - addLanes(slopes).unsqueeze(1) * matrix) / white.size(1);
}

Unmixing fitParallel(const at::Tensor& white, const at::Tensor& start, const Contrast& contrast, int64_t max_iter,
                     double tol) {
  Unmixing result{symmetricDecorrelation(start)};
  while (result.iterations < max_iter && !result.converged) {
    stopIfCancelled();
    const auto next = symmetricDecorrelation(fixedPoint(white, result.matrix, contrast));
    const auto turn = ((next * result.matrix).sum(1).abs() - 1).abs().max().item<double>();
    result.matrix = next;
    result.iterations++;
    result.converged = turn < tol;
  }
  return result;
}

// Finds one component, orthogonal to the rows of `found`.
Unmixing fitOne(const at::Tensor& white, const at::Tensor& start, const at::Tensor& found, const Contrast& contrast,
                int64_t max_iter, double tol) {
  Unmixing result{start / start.norm()};
  while (result.iterations < max_iter && !result.converged) {
    stopIfCancelled();
    auto next = fixedPoint(white, result.matrix, contrast);
    onOneThread([&] { next = next - at::mm(at::mm(next, found.t()), found); });
    next = next / next.norm();
    const auto turn = ((next * result.matrix).sum().abs() - 1).abs().item<double>();
    result.matrix = next;
    result.iterations++;
    result.converged = turn < tol;
  }
  return result;
}

Unmixing fitDeflation(const at::Tensor& white, const at::Tensor& start, const Contrast& contrast, int64_t max_iter,
                      double tol) {
  Unmixing result{at::zeros_like(start), 0, true};
  for (int64_t row = 0; row < start.size(0); row++) {
    const auto found = result.matrix.narrow(0, 0, row);
    const auto one = fitOne(white, start.narrow(0, row, 1), found, contrast, max_iter, tol);
    result.matrix.narrow(0, row, 1).copy_(one.matrix);
    result.iterations = std::max(result.iterations, one.iterations);
    result.converged = result.converged && one.converged;
  }
  return result;
}

}  // namespace

at::Tensor symmetricDecorrelation(const at::Tensor& matrix) {
  at::Tensor result;
  onOneThread([&] {
    const auto [values, vectors] = at::linalg_eigh(at::mm(matrix, matrix.t()));
    const double smallest =
        matrix.scalar_type() == at::kDouble ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min();
    result = at::mm(at::mm(vectors * values.clamp_min(smallest).rsqrt(), vectors.t()), matrix);
  });
  return result;
}

at::Tensor fastIcaSteps(const at::Tensor& white, const at::Tensor& start, const std::string& fun, double alpha,
                        int64_t iterations) {
  return fitParallel(white, start, {fun, alpha}, iterations, -1).matrix;
}

Unmixing fastIca(const at::Tensor& white, const at::Tensor& start, const FastIcaOptions& options) {
  constexpr auto owner = "fastica";
  checkRecording(owner, white, "components");
  checkInput(owner, start, white, {{white.size(0), "components"}, {white.size(0), "components"}});
  const OptionCheck check(owner);
  check.size("max_iter", options.max_iter);
  check.weight("tol", options.tol);
  check.require(options.alpha >= 1 && options.alpha <= 2, "alpha", "a number from 1 to 2",
                std::to_string(options.alpha));
  const auto& fun = options.fun;
  check.require(fun == "logcosh" || fun == "exp" || fun == "cube", "fun", "logcosh, exp or cube", fun);
  const auto& algorithm = options.algorithm;
  check.require(algorithm == "parallel" || algorithm == "deflation", "algorithm", "parallel or deflation", algorithm);
  const auto fit = algorithm == "parallel" ? fitParallel : fitDeflation;
  const Contrast contrast{fun, fun == "logcosh" ? options.alpha : 1};
  return fit(white.detach(), start.detach(), contrast, options.max_iter, options.tol);
}

}  // namespace eegtorch
