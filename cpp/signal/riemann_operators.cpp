// Covariances, spatial patterns and their classifiers as operators of the namespace `eegtorch`. lib/signal and
// lib/evaluation give them their public names, options and defaults.
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <torch/library.h>

#include "signal/covariance.h"
#include "signal/csp.h"
#include "signal/linear_discriminant.h"
#include "signal/logistic_regression.h"
#include "signal/riemann.h"

namespace eegtorch {

namespace {

using at::Tensor;

Tensor covariancesOperator(const Tensor& x, std::string estimator, double shrinkage, bool centred) {
  return covariances(x, {std::move(estimator), shrinkage, centred});
}

std::tuple<Tensor, int64_t, bool> riemannMeanOperator(const Tensor& matrices, const std::optional<Tensor>& weights,
                                                      std::string metric, double tol, int64_t max_iter) {
  const auto known = weights ? weights->detach() : Tensor();
  const auto found = riemannMean(matrices.detach(), known, metric, tol, max_iter);
  return {found.mean, found.iterations, found.converged};
}

Tensor riemannDistancesOperator(const Tensor& matrices, const Tensor& references, std::string metric) {
  return riemannDistances(matrices.detach(), references.detach(), metric);
}

std::tuple<Tensor, Tensor> cspOperator(const Tensor& covariances, const Tensor& weights, std::string order) {
  const auto found = commonSpatialPatterns(covariances.detach(), weights.detach(), order);
  return {found.filters, found.patterns};
}

std::tuple<Tensor, Tensor> cspOfEpochs(const Tensor& x, const Tensor& labels, std::string estimator, double shrinkage,
                                       bool by_epoch, bool unit_trace, std::string order) {
  const auto [covariances, counts] = classCovariances(x, labels, estimator, shrinkage, by_epoch);
  const auto traces = covariances.diagonal(0, 1, 2).sum(1).reshape({-1, 1, 1});
  const auto weights = by_epoch ? counts : at::ones_like(counts);
  return cspOperator(unit_trace ? covariances / traces : covariances, weights, std::move(order));
}

std::tuple<Tensor, Tensor, int64_t, bool> logisticOperator(const Tensor& features, const Tensor& labels,
                                                           int64_t classes, double c, double tol, int64_t max_iter) {
  const auto found = logisticRegression(features, labels, classes, c, tol, max_iter);
  return {found.coefficients, found.intercepts, found.iterations, found.converged};
}

std::tuple<Tensor, Tensor> discriminantOperator(const Tensor& features, const Tensor& labels, int64_t classes) {
  const auto found = linearDiscriminant(features, labels, classes);
  return {found.coefficients, found.intercepts};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def("covariances(Tensor x, *, str estimator, float shrinkage, bool centred) -> Tensor", covariancesOperator);
  library.def(
      "riemann_mean(Tensor matrices, *, Tensor? weights=None, str metric, float tol, int max_iter) -> (Tensor mean, "
      "int iterations, bool converged)",
      riemannMeanOperator);
  library.def("tangent_space(Tensor matrices, *, Tensor reference) -> Tensor",
              [](const Tensor& matrices, const Tensor& reference) {
                return tangentSpace(matrices.detach(), reference.detach());
              });
  library.def("from_tangent_space(Tensor vectors, *, Tensor reference) -> Tensor",
              [](const Tensor& vectors, const Tensor& reference) {
                return fromTangentSpace(vectors.detach(), reference.detach());
              });
  library.def("riemann_distances(Tensor matrices, *, Tensor references, str metric) -> Tensor",
              riemannDistancesOperator);
  library.def(
      "csp(Tensor x, Tensor labels, *, str estimator, float shrinkage, bool by_epoch, bool unit_trace, str order) -> "
      "(Tensor filters, Tensor patterns)",
      cspOfEpochs);
  library.def(
      "csp_of_covariances(Tensor covariances, *, Tensor weights, str order) -> (Tensor filters, Tensor patterns)",
      cspOperator);
  library.def(
      "logistic_regression(Tensor features, Tensor labels, *, int classes, float c, float tol, int max_iter) -> "
      "(Tensor coefficients, Tensor intercepts, int iterations, bool converged)",
      logisticOperator);
  library.def(
      "linear_discriminant(Tensor features, Tensor labels, *, int classes) -> (Tensor coefficients, Tensor intercepts)",
      discriminantOperator);
}

}  // namespace eegtorch
