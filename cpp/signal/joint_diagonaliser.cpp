#include <ATen/ops/eye.h>

#include <cmath>
#include <utility>

#include "signal/csp.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

// Matrices that are turned row by row and column by column; on the CPU, float64.
class PhamSweeps {
 public:
  explicit PhamSweeps(const at::Tensor& matrices)
      : matrices_(matrices.to(at::kCPU, at::kDouble, false, true).contiguous()),
        turned_(at::eye(matrices.size(1), matrices_.options())),
        count_(matrices.size(0)),
        n_(matrices.size(1)),
        a_(matrices_.data_ptr<double>()) {}

  const at::Tensor& result() const { return turned_; }

  // Turns every pair of axes once; returns the expected fall of the criterion.
  double run() {
    double fall = 0;
    for (int64_t i = 1; i < n_; i++)
      for (int64_t j = 0; j < i; j++) fall += turn(i, j);
    return fall;
  }

 private:
  double& at(int64_t matrix, int64_t row, int64_t column) { return a_[(matrix * n_ + row) * n_ + column]; }

  double turn(int64_t i, int64_t j) {
    double g12 = 0, g21 = 0, omega12 = 0, omega21 = 0;
    for (int64_t k = 0; k < count_; k++) {
      const double coupling = at(k, i, j), own = at(k, i, i), other = at(k, j, j);
      g12 += coupling / own / count_;
      g21 += coupling / other / count_;
      omega21 += own / other / count_;
      omega12 += other / own / count_;
    }
    const double omega = std::sqrt(omega12 * omega21), ratio = std::sqrt(omega21 / omega12);
    const double sum = (ratio * g12 + g21) / (omega + 1);
    const double difference = (ratio * g12 - g21) / std::max(omega - 1, 1e-9);
    const double h12 = sum + difference, h21 = (sum - difference) / ratio;
    const double divisor = 1 + std::sqrt(std::max(1 - h12 * h21, 0.0));
    apply(i, j, -h12 / divisor, -h21 / divisor);
    return count_ * (g12 * h12 + g21 * h21) / 2;
  }

  // Adds `to_i` times axis j to axis i and `to_j` times axis i to axis j.
  void apply(int64_t i, int64_t j, double to_i, double to_j) {
    const auto mix = [&](double& x, double& y) { std::tie(x, y) = std::pair(x + to_i * y, to_j * x + y); };
    for (int64_t k = 0; k < count_; k++) {
      for (int64_t c = 0; c < n_; c++) mix(at(k, i, c), at(k, j, c));
      for (int64_t r = 0; r < n_; r++) mix(at(k, r, i), at(k, r, j));
    }
    auto* rows = turned_.data_ptr<double>();
    for (int64_t c = 0; c < n_; c++) mix(rows[i * n_ + c], rows[j * n_ + c]);
  }

  at::Tensor matrices_, turned_;
  int64_t count_, n_;
  double* a_;
};

}  // namespace

at::Tensor jointDiagonaliser(const at::Tensor& matrices, double eps, int64_t max_iter) {
  PhamSweeps sweeps(matrices);
  const auto n = matrices.size(1);
  for (int64_t sweep = 0; sweep < max_iter; sweep++) {
    stopIfCancelled();
    if (sweeps.run() < static_cast<double>(n * (n - 1)) * eps) break;
  }
  return sweeps.result().to(matrices.options());
}

}  // namespace eegtorch
