#include "signal/picard_density.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/square.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

// At amplitudes y (rows, samples): the sums of the energy over samples (rows), and two derivatives like y.
struct Derivatives {
  at::Tensor energy, score, slope;
};

// log cosh y = |y| + log((1 + e) / 2) and tanh |y| = (1 - e) / (1 + e), both from one exponential e = exp(-2 |y|). The
// logarithms of many samples are one of a product: of factors from 1 to 2, as many as a number can hold with room to
// spare. The constant log 2 is left out.
Derivatives tanhDerivatives(const at::Tensor& y) {
  const int64_t factors = y.scalar_type() == at::kDouble ? 512 : 64;
  auto e = y.abs();
  auto energy = e.sum(1);
  e.mul_(-2).exp_();
  const auto above = e + 1;
  for (int64_t from = 0; from < y.size(1); from += factors)
    energy.add_(above.narrow(1, from, std::min(factors, y.size(1) - from)).prod(1).log_());
  const auto score = (1 - e).div_(above).copysign_(y);
  return {energy, score, at::square_out(e, score).neg_().add_(1)};
}

Derivatives derivativesAt(const at::Tensor& y, const Density& density) {
  if (density.fun == "tanh") return tanhDerivatives(y);
  const auto square = y.square();
  if (density.fun == "cube") return {square.square().sum(1) / 4, square * y, 3 * square};
  const double a = density.alpha();
  const auto bell = (square * (-a / 2)).exp_();
  return {bell.sum(1) / -a, y * bell, (1 - a * square).mul_(bell)};
}

struct Sums {
  std::vector<at::Tensor> energy, gradient, slope, hessian;

  Sums(const TimeLanes& lanes, int64_t n, const at::TensorOptions& options)
      : energy(lanes.zeros({n}, options)),
        gradient(lanes.zeros({n, n}, options)),
        slope(lanes.zeros({n}, options)),
        hessian(lanes.zeros({n, n}, options)) {}
};

}  // namespace

DensityMeans densityMeans(const at::Tensor& x, const at::Tensor& matrix, const Density& density, bool with_hessian) {
  const TimeLanes lanes(x.size(1), x.device(), 2 * matrix.numel());
  Sums sums(lanes, x.size(0), x.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    const auto y = at::mm(matrix, x.narrow(1, from, count));
    const auto at_y = derivativesAt(y, density);
    sums.energy[lane].add_(at_y.energy);
    sums.slope[lane].add_(at_y.slope.sum(1));
    sums.gradient[lane].addmm_(at_y.score, y.t());
    if (with_hessian) sums.hessian[lane].addmm_(at_y.slope, y.square().t());
  });
  const auto mean = [&](const std::vector<at::Tensor>& parts) { return addLanes(parts) / x.size(1); };
  return {mean(sums.energy), mean(sums.gradient), mean(sums.slope), mean(sums.hessian)};
}

}  // namespace eegtorch
