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
#include "signal/small_matrices.h"
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

 private:
  Tensor data_;
};

// body(room to work in, i) for each i, in parallel by lanes whose borders do not depend on the number of threads. Each
// lane has its Room(n); they are returned in order.
template <class Room = SymmetricMatrices, class Body>
std::vector<Room> eachOf(int64_t count, int64_t n, const Body& body) {
  const TimeLanes lanes(count, at::kCPU, costOf(n), 1);
  std::vector<Room> rooms(lanes.count(), Room(n));
  lanes.run([&](int64_t lane, int64_t from, int64_t length) {
    for (int64_t i = from; i < from + length; i++) body(rooms[lane], i);
  });
  return rooms;
}

struct Roots {
  Numbers root, inverse;
};

Roots rootsOf(const double* matrix, int64_t n) {
  const auto root = [](double value) { return std::sqrt(positive(value)); };
  const auto inverse = [&](double value) { return 1 / root(value); };
  Roots result{Numbers(n * n), Numbers(n * n)};
  SymmetricMatrices(n).mapTwice(matrix, root, result.root.data(), inverse, result.inverse.data());
  return result;
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

// Room to work in, and the sum of what came of it.
struct SummingRoom {
  explicit SummingRoom(int64_t n) : matrices(n), sum(n * n) {}

  SymmetricMatrices matrices;
  Numbers sum;
};

// The sum over i of weights[i] times what write(room, matrix i, out) writes.
template <class Write>
Numbers weightedSum(const Matrices& matrices, const Numbers& weights, const Write& write) {
  const auto size = matrices.numbers();
  const auto rooms = eachOf<SummingRoom>(matrices.count(), matrices.n(), [&](SummingRoom& room, int64_t i) {
    auto* out = room.matrices.scratch();
    write(room.matrices, matrices[i], out);
    for (int64_t k = 0; k < size; k++) room.sum[k] += weights[i] * out[k];
  });
  Numbers total = rooms.front().sum;
  for (size_t lane = 1; lane < rooms.size(); lane++)
    for (int64_t k = 0; k < size; k++) total[k] += rooms[lane].sum[k];
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
  const auto n = matrices.n(), size = matrices.numbers();
  const auto copy = [&](SymmetricMatrices&, const double* matrix, double* out) { std::copy_n(matrix, size, out); };
  Descent result{weightedSum(matrices, weights, copy)};
  SymmetricMatrices room(n);
  double step = 1, smallest = std::numeric_limits<double>::max();
  while (result.iterations < max_iter && !result.converged) {
    stopIfCancelled();
    const auto [root, inverse] = rootsOf(result.mean.data(), n);
    auto direction =
        weightedSum(matrices, weights, [&, &from = inverse](SymmetricMatrices& own, const double* matrix, double* out) {
          own.sandwich(from.data(), matrix, out);
          own.map(out, logarithm, out);
        });
    const double length = norm(direction), moved = step * length;
    room.map(direction.data(), [&](double value) { return std::exp(step * value); }, direction.data());
    room.sandwich(root.data(), direction.data(), result.mean.data());
    step *= moved < smallest ? 0.95 : 0.5;
    smallest = std::min(smallest, moved);
    result.iterations++;
    result.converged = length <= tol || step <= tol;
  }
  return result;
}

// n (n + 1) / 2 numbers: the upper triangle row by row, what is beside the diagonal times the square root of 2.
void toTangent(const double* matrix, int64_t n, double* out) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++) *out++ = matrix[i * n + j] * (i == j ? 1 : std::numbers::sqrt2);
}

void fromTangent(const double* vector, int64_t n, double* matrix) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++)
      matrix[i * n + j] = matrix[j * n + i] = *vector++ / (i == j ? 1 : std::numbers::sqrt2);
}

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
    found = {weightedSum(
                 given, share,
                 [](SymmetricMatrices& room, const double* matrix, double* out) { room.map(matrix, logarithm, out); }),
             0, true};
    SymmetricMatrices(n).map(found.mean.data(), exponential, found.mean.data());
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
  eachOf(given.count(), n, [&](SymmetricMatrices& room, int64_t i) {
    auto* view = room.scratch();
    room.sandwich(inverse.data(), given[i], view);
    room.map(view, logarithm, view);
    toTangent(view, n, vectors + i * result.size(1));
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
  eachOf(vectors.size(0), n, [&](SymmetricMatrices& room, int64_t i) {
    auto* matrix = matrices + i * n * n;
    fromTangent(tangents + i * given.size(1), n, matrix);
    room.map(matrix, exponential, matrix);
    room.sandwich(root.data(), matrix, matrix);
  });
  return result.to(vectors.options());
}

namespace {

// Matrices whose norms are the distances from a matrix to each reference, before their eigenvalues are known.
std::vector<Numbers> viewsOf(const Matrices& references, const std::string& metric) {
  std::vector<Numbers> views;
  const auto n = references.n();
  SymmetricMatrices room(n);
  for (int64_t r = 0; r < references.count(); r++) {
    views.emplace_back(n * n);
    if (metric == "riemann")
      views.back() = rootsOf(references[r], n).inverse;
    else
      room.map(references[r], logarithm, views.back().data());
  }
  return views;
}

double affineInvariantDistance(SymmetricMatrices& room, const Numbers& inverse_root, const double* matrix,
                               double* seen) {
  room.sandwich(inverse_root.data(), matrix, seen);
  double sum = 0;
  for (const auto value : room.eigenvalues(seen)) sum += std::pow(logarithm(value), 2);
  return std::sqrt(sum);
}

double distanceBetween(const Numbers& a, const double* b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); k++) sum += std::pow(a[k] - b[k], 2);
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
  eachOf(given.count(), n, [&](SymmetricMatrices& room, int64_t i) {
    auto* own = room.scratch();
    if (metric != "riemann") room.map(given[i], logarithm, own);
    for (int64_t r = 0; r < others; r++)
      distances[i * others + r] =
          metric == "riemann" ? affineInvariantDistance(room, views[r], given[i], own) : distanceBetween(views[r], own);
  });
  return result.to(matrices.options());
}

}  // namespace eegtorch
