#include "signal/riemann.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/symmetric_matrices.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

double positive(double value) {
  if (value > 0) return value;
  throw Error("INVALID_OPTION", "a covariance matrix is not positive definite",
              "independent channels, or a shrunk estimate such as oas", "an eigenvalue of 0 or below");
}

double logarithm(double value) { return std::log(positive(value)); }
double exponential(double value) { return std::exp(value); }

// Operations on one matrix, roughly.
int64_t costOf(int64_t n) { return 20 * n * n * n; }

Tensor onCpu(const Tensor& x) { return x.detach().to(at::kCPU, at::kDouble).contiguous(); }

// Matrices (count, n, n) as doubles on the CPU.
class Matrices {
 public:
  explicit Matrices(const Tensor& matrices) : data_(onCpu(matrices)) {}

  int64_t count() const { return data_.size(0); }
  int64_t n() const { return data_.size(1); }
  int64_t numbers() const { return n() * n(); }
  const double* operator[](int64_t i) const { return data_.const_data_ptr<double>() + i * numbers(); }

  SymmetricMatrices some(int64_t from, int64_t length) const { return {length, n(), (*this)[from]}; }

 private:
  Tensor data_;
};

// Matrices as many at once as SymmetricMatrices takes, in lanes whose borders do not depend on the number of threads.
TimeLanes groupsOf(int64_t count, int64_t n) { return {count, at::kCPU, costOf(n), SymmetricMatrices::together()}; }

// body(first, count) for groups of matrices, in parallel.
template <class Body>
void eachGroup(int64_t count, int64_t n, const Body& body) {
  groupsOf(count, n).run([&](int64_t, int64_t from, int64_t length) { body(from, length); });
}

struct Roots {
  Numbers root, inverse;
};

Roots rootsOf(const double* matrix, int64_t n) {
  const auto root = [](double value) { return std::sqrt(positive(value)); };
  Roots result{Numbers(n * n), Numbers(n * n)};
  SymmetricMatrices room(1, n, matrix);
  room.decompose();
  room.compose(root);
  room.copyTo(0, result.root.data());
  room.compose([&](double value) { return 1 / root(value); });
  room.copyTo(0, result.inverse.data());
  return result;
}

// f(matrix) of one symmetric matrix (n, n), which it replaces.
template <class Function>
void mapOne(Numbers& matrix, int64_t n, const Function& function) {
  SymmetricMatrices room(1, n, matrix.data());
  room.map(function);
  room.copyTo(0, matrix.data());
}

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

Numbers shares(const Tensor& weights, const Tensor& matrices) {
  const auto count = matrices.size(0);
  if (!weights.defined()) return Numbers(count, 1.0 / static_cast<double>(count));
  checkInput("riemann_mean", weights, matrices, {{count, "weights"}});
  const auto given = onCpu(weights);
  Numbers result(given.const_data_ptr<double>(), given.const_data_ptr<double>() + count);
  const double total = std::accumulate(result.begin(), result.end(), 0.0);
  const bool valid = std::all_of(result.begin(), result.end(), [](double weight) { return weight >= 0; });
  OptionCheck("riemann_mean")
      .require(valid && std::isfinite(total) && total > 0, "weights", "numbers from 0 with a sum above 0", "others");
  for (auto& weight : result) weight /= total;
  return result;
}

// The sum over i of weights[i] times what change(room) makes of matrix i.
template <class Change>
Numbers weightedSum(const Matrices& matrices, const Numbers& weights, const Change& change) {
  const auto n = static_cast<size_t>(matrices.n());
  const auto lanes = groupsOf(matrices.count(), matrices.n());
  std::vector<Numbers> sums(lanes.count(), Numbers(n * n));
  lanes.run([&](int64_t lane, int64_t from, int64_t length) {
    auto room = matrices.some(from, length);
    change(room);
    for (size_t i = 0; i < n; i++)
      for (size_t j = i; j < n; j++)
        for (int64_t m = 0; m < length; m++) sums[lane][i * n + j] += weights[from + m] * room(m, i, j);
  });
  Numbers total(n * n);
  for (const auto& sum : sums)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) total[i * n + j] += sum[std::min(i, j) * n + std::max(i, j)];
  return total;
}

double norm(const Numbers& values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

struct Descent {
  Numbers mean;
  int64_t iterations = 0;
  bool converged = false;
};

// Gradient descent with a step that shrinks, as pyRiemann's.
Descent affineInvariantMean(const Matrices& matrices, const Numbers& weights, double tol, int64_t max_iter) {
  const auto n = matrices.n();
  Descent result{weightedSum(matrices, weights, [](SymmetricMatrices&) {})};
  double step = 1, smallest = std::numeric_limits<double>::max();
  while (result.iterations < max_iter && !result.converged) {
    stopIfCancelled();
    const auto [root, inverse] = rootsOf(result.mean.data(), n);
    const auto direction = weightedSum(matrices, weights, [&, &from = inverse](SymmetricMatrices& room) {
      room.sandwich(from.data());
      room.map(logarithm);
    });
    const double length = norm(direction), moved = step * length;
    SymmetricMatrices room(1, n, direction.data());
    room.map([&](double value) { return std::exp(step * value); });
    room.sandwich(root.data());
    room.copyTo(0, result.mean.data());
    step *= moved < smallest ? 0.95 : 0.5;
    smallest = std::min(smallest, moved);
    result.iterations++;
    result.converged = length <= tol || step <= tol;
  }
  return result;
}

// From the upper triangle, row by row, to a vector: what is beside the diagonal counts twice in a norm.
double tangentFactor(int64_t i, int64_t j) { return i == j ? 1 : std::numbers::sqrt2; }

}  // namespace

RiemannMean riemannMean(const Tensor& matrices, const Tensor& weights, const std::string& metric, double tol,
                        int64_t max_iter) {
  constexpr auto owner = "riemann_mean";
  checkMatrices(owner, matrices);
  checkMetric(owner, metric);
  OptionCheck(owner).weight("tol", tol);
  OptionCheck(owner).size("max_iter", max_iter);
  const Matrices given(matrices);
  const auto n = given.n();
  const auto share = shares(weights, matrices);
  Descent found;
  if (metric == "riemann") {
    found = affineInvariantMean(given, share, tol, max_iter);
  } else {
    found = {weightedSum(given, share, [](SymmetricMatrices& room) { room.map(logarithm); }), 0, true};
    mapOne(found.mean, n, exponential);
  }
  return {at::tensor(found.mean, at::kDouble).view({n, n}).to(matrices.options()), found.iterations, found.converged};
}

Tensor tangentSpace(const Tensor& matrices, const Tensor& reference) {
  constexpr auto owner = "tangent_space";
  checkMatrices(owner, matrices);
  const auto n = matrices.size(1);
  checkInput(owner, reference, matrices, {{n, "n"}, {n, "n"}});
  const Matrices given(matrices);
  const auto inverse = rootsOf(onCpu(reference).const_data_ptr<double>(), n).inverse;
  const auto result = at::empty({given.count(), n * (n + 1) / 2}, at::kDouble);
  auto* vectors = result.mutable_data_ptr<double>();
  eachGroup(given.count(), n, [&](int64_t from, int64_t length) {
    auto room = given.some(from, length);
    room.sandwich(inverse.data());
    room.map(logarithm);
    for (int64_t m = 0; m < length; m++) {
      auto* out = vectors + (from + m) * result.size(1);
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) *out++ = room(m, i, j) * tangentFactor(i, j);
    }
  });
  return result.to(matrices.options());
}

Tensor fromTangentSpace(const Tensor& vectors, const Tensor& reference) {
  constexpr auto owner = "from_tangent_space";
  const auto n = reference.size(-1);
  checkInput(owner, reference, reference, {"n", {n, "n"}});
  checkInput(owner, vectors, reference, {"vectors", {n * (n + 1) / 2, "n (n + 1) / 2"}});
  const auto root = rootsOf(onCpu(reference).const_data_ptr<double>(), n).root;
  const auto given = onCpu(vectors);
  const auto* tangents = given.const_data_ptr<double>();
  const auto result = at::empty({vectors.size(0), n, n}, at::kDouble);
  auto* matrices = result.mutable_data_ptr<double>();
  eachGroup(vectors.size(0), n, [&](int64_t from, int64_t length) {
    SymmetricMatrices room(length, n, [&](int64_t m, int64_t i, int64_t j) {
      const auto before = i * n - i * (i + 1) / 2;  // rows are ever shorter
      return tangents[(from + m) * given.size(1) + before + j] / tangentFactor(i, j);
    });
    room.map(exponential);
    room.sandwich(root.data());
    for (int64_t m = 0; m < length; m++) room.copyTo(m, matrices + (from + m) * n * n);
  });
  return result.to(vectors.options());
}

namespace {

// What is needed of each reference: the inverse of its root, or its logarithm.
std::vector<Numbers> viewsOf(const Matrices& references, const std::string& metric) {
  std::vector<Numbers> views;
  const auto n = references.n();
  for (int64_t r = 0; r < references.count(); r++) {
    if (metric == "riemann") {
      views.push_back(rootsOf(references[r], n).inverse);
    } else {
      views.emplace_back(references[r], references[r] + n * n);
      mapOne(views.back(), n, logarithm);
    }
  }
  return views;
}

double affineInvariantDistance(const SymmetricMatrices& decomposed, int64_t m, int64_t n) {
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += std::pow(logarithm(decomposed.eigenvalue(m, k)), 2);
  return std::sqrt(sum);
}

double distanceBetween(const Numbers& a, const SymmetricMatrices& b, int64_t m, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) sum += std::pow(a[i * n + j] - b(m, i, j), 2);
  return std::sqrt(sum);
}

}  // namespace

Tensor riemannDistances(const Tensor& matrices, const Tensor& references, const std::string& metric) {
  constexpr auto owner = "riemann_distances";
  checkMatrices(owner, matrices);
  checkMatrices(owner, references);
  checkMetric(owner, metric);
  const auto n = matrices.size(1);
  checkInput(owner, references, matrices, {"references", {n, "n"}, {n, "n"}});
  const Matrices given(matrices), seen_from(references);
  const auto views = viewsOf(seen_from, metric);
  const auto others = seen_from.count();
  const auto result = at::empty({given.count(), others}, at::kDouble);
  auto* distances = result.mutable_data_ptr<double>();
  const bool curved = metric == "riemann";
  eachGroup(given.count(), n, [&](int64_t from, int64_t length) {
    auto room = given.some(from, length);
    if (!curved) room.map(logarithm);
    for (int64_t r = 0; r < others; r++) {
      if (curved) {
        room = given.some(from, length);
        room.sandwich(views[r].data());
        room.findEigenvalues();
      }
      for (int64_t m = 0; m < length; m++)
        distances[(from + m) * others + r] =
            curved ? affineInvariantDistance(room, m, n) : distanceBetween(views[r], room, m, n);
    }
  });
  return result.to(matrices.options());
}

}  // namespace eegtorch
