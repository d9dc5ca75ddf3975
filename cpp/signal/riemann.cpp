#include "signal/riemann.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/triu_indices.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

void requirePositive(const Tensor& values) {
  if (values.numel() == 0 || values.gt(0).all().item<bool>()) return;
  throw Error("INVALID_OPTION", "a covariance matrix is not positive definite",
              "independent channels, or a shrunk estimate such as oas", "an eigenvalue of 0 or below");
}

// Operations of one matrix's logarithm, roughly.
int64_t costOf(const Tensor& matrices) { return 20 * matrices.size(-1) * matrices.size(-1) * matrices.size(-1); }

// A symmetric matrix whose eigenvalues went through a function.
template <class Function>
Tensor mapEigenvalues(const Tensor& matrix, const Function& function) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return at::mm(vectors * function(values), vectors.t());
}

Tensor matrixLogarithm(const Tensor& matrix) {
  return mapEigenvalues(matrix, [](const Tensor& values) {
    requirePositive(values);
    return values.log();
  });
}

Tensor matrixExponential(const Tensor& matrix) {
  return mapEigenvalues(matrix, [](const Tensor& values) { return values.exp(); });
}

struct Roots {
  Tensor root, inverse;
};

Roots rootsOf(const Tensor& matrix) {
  Roots result;
  onOneThread([&] {
    const auto [values, vectors] = at::linalg_eigh(matrix);
    requirePositive(values);
    const auto root = values.sqrt();
    result = {at::mm(vectors * root, vectors.t()), at::mm(vectors / root, vectors.t())};
  });
  return result;
}

Tensor sandwich(const Tensor& outer, const Tensor& inner) { return at::mm(at::mm(outer, inner), outer); }

void checkMatrices(const char* owner, const Tensor& matrices) {
  checkInput(owner, matrices, matrices, {"matrices", "n", {matrices.size(-1), "n"}});
  const auto type = matrices.scalar_type();
  if (type != at::kFloat && type != at::kDouble)
    throw Error("DTYPE_MISMATCH", std::string(owner) + " takes other matrices", "float32 or float64",
                c10::toString(type));
  if (matrices.size(0) < 1 || matrices.size(1) < 1)
    throw Error("SHAPE_MISMATCH", std::string(owner) + " needs matrices", "one or more", showShape(matrices.sizes()));
  if (!matrices.isfinite().all().item<bool>())
    throw Error("INVALID_OPTION", std::string(owner) + ": a matrix is not finite", "finite numbers", "NaN or infinity");
}

void checkMetric(const char* owner, const std::string& metric) {
  OptionCheck(owner).require(metric == "riemann" || metric == "logeuclid", "metric", "riemann or logeuclid", metric);
}

Tensor shares(const Tensor& weights, const Tensor& matrices) {
  const auto count = matrices.size(0);
  if (!weights.defined()) return at::full({count}, 1.0 / static_cast<double>(count), matrices.options());
  checkInput("riemann_mean", weights, matrices, {{count, "weights"}});
  const double total = weights.sum().item<double>();
  OptionCheck("riemann_mean")
      .require(weights.ge(0).all().item<bool>() && std::isfinite(total) && total > 0, "weights",
               "numbers from 0 with a sum above 0", "others");
  return weights / total;
}

// The weighted sum of function(matrix).
template <class Function>
Tensor weightedSum(const Tensor& matrices, const Tensor& weights, const Function& function) {
  const TimeLanes lanes(matrices.size(0), matrices.device(), costOf(matrices), 1);
  const auto sums = lanes.zeros({matrices.size(1), matrices.size(1)}, matrices.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    for (int64_t i = from; i < from + count; i++) sums[lane].add_(function(matrices[i]) * weights[i]);
  });
  return addLanes(sums);
}

// Gradient descent with a step that shrinks, as pyRiemann's.
RiemannMean affineInvariantMean(const Tensor& matrices, const Tensor& weights, double tol, int64_t max_iter) {
  RiemannMean result{weightedSum(matrices, weights, [](const Tensor& matrix) { return matrix; }), 0, false};
  double step = 1, smallest = std::numeric_limits<double>::max();
  while (result.iterations < max_iter && !result.converged) {
    stopIfCancelled();
    const auto roots = rootsOf(result.mean);
    const auto direction = weightedSum(
        matrices, weights, [&](const Tensor& matrix) { return matrixLogarithm(sandwich(roots.inverse, matrix)); });
    onOneThread([&] { result.mean = sandwich(roots.root, matrixExponential(step * direction)); });
    const double size = direction.norm().item<double>(), moved = step * size;
    step *= moved < smallest ? 0.95 : 0.5;
    smallest = std::min(smallest, moved);
    result.iterations++;
    result.converged = size <= tol || step <= tol;
  }
  return result;
}

Tensor offDiagonalFactors(const Tensor& indices, const at::TensorOptions& options) {
  return (indices[0] != indices[1]).to(options.dtype()) * (std::sqrt(2.0) - 1) + 1;
}

}  // namespace

RiemannMean riemannMean(const Tensor& matrices, const Tensor& weights, const std::string& metric, double tol,
                        int64_t max_iter) {
  constexpr auto owner = "riemann_mean";
  checkMatrices(owner, matrices);
  checkMetric(owner, metric);
  OptionCheck(owner).weight("tol", tol);
  OptionCheck(owner).size("max_iter", max_iter);
  const auto each = shares(weights, matrices);
  if (metric == "riemann") return affineInvariantMean(matrices, each, tol, max_iter);
  const auto sum = weightedSum(matrices, each, matrixLogarithm);
  RiemannMean result;
  onOneThread([&] { result.mean = matrixExponential(sum); });
  return result;
}

Tensor tangentSpace(const Tensor& matrices, const Tensor& reference) {
  constexpr auto owner = "tangent_space";
  checkMatrices(owner, matrices);
  const auto n = matrices.size(1);
  checkInput(owner, reference, matrices, {{n, "n"}, {n, "n"}});
  const auto roots = rootsOf(reference);
  const auto indices = at::triu_indices(n, n, 0, matrices.options().dtype(at::kLong));
  const auto places = indices[0] * n + indices[1];
  const auto factors = offDiagonalFactors(indices, matrices.options());
  const auto result = at::empty({matrices.size(0), places.size(0)}, matrices.options());
  eachAlone(matrices.size(0), matrices.device(), costOf(matrices), [&](int64_t i) {
    result[i].copy_(matrixLogarithm(sandwich(roots.inverse, matrices[i])).reshape(-1).index_select(0, places) *
                    factors);
  });
  return result;
}

Tensor fromTangentSpace(const Tensor& vectors, const Tensor& reference) {
  constexpr auto owner = "from_tangent_space";
  const auto n = reference.size(-1);
  checkInput(owner, reference, reference, {"n", {n, "n"}});
  checkInput(owner, vectors, reference, {"vectors", {n * (n + 1) / 2, "n (n + 1) / 2"}});
  const auto roots = rootsOf(reference);
  const auto indices = at::triu_indices(n, n, 0, vectors.options().dtype(at::kLong));
  const auto factors = offDiagonalFactors(indices, vectors.options());
  const auto result = at::empty({vectors.size(0), n, n}, vectors.options());
  eachAlone(vectors.size(0), vectors.device(), 20 * n * n * n, [&](int64_t i) {
    auto upper = at::zeros({n, n}, vectors.options());
    upper.index_put_({indices[0], indices[1]}, vectors[i] / factors);
    const auto symmetric = upper + upper.triu(1).t();
    result[i].copy_(sandwich(roots.root, matrixExponential(symmetric)));
  });
  return result;
}

Tensor riemannDistances(const Tensor& matrices, const Tensor& references, const std::string& metric) {
  constexpr auto owner = "riemann_distances";
  checkMatrices(owner, matrices);
  checkMatrices(owner, references);
  checkMetric(owner, metric);
  const auto n = matrices.size(1);
  checkInput(owner, references, matrices, {"references", {n, "n"}, {n, "n"}});
  const auto result = at::empty({matrices.size(0), references.size(0)}, matrices.options());
  std::vector<Tensor> views;
  for (int64_t r = 0; r < references.size(0); r++) {
    if (metric == "riemann")
      views.push_back(rootsOf(references[r]).inverse);
    else
      onOneThread([&] { views.push_back(matrixLogarithm(references[r])); });
  }
  eachAlone(matrices.size(0), matrices.device(), costOf(matrices), [&](int64_t i) {
    const auto own = metric == "riemann" ? matrices[i] : matrixLogarithm(matrices[i]);
    for (size_t r = 0; r < views.size(); r++) {
      auto place = result[i][r];
      if (metric != "riemann") {
        place.copy_((own - views[r]).norm());
        continue;
      }
      const auto values = at::linalg_eigvalsh(sandwich(views[r], own));
      requirePositive(values);
      place.copy_(values.log().norm());
    }
  });
  return result;
}

}  // namespace eegtorch
