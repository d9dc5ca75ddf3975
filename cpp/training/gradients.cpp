#include "training/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace eegtorch {
namespace {

constexpr double kInitialScale = 65536, kGrowth = 2, kBackoff = 0.5;
constexpr int64_t kGrowthInterval = 2000;
constexpr int64_t kPieceOfSum = 65536;

// LibTorch sums up a whole tensor on one thread.
double squares(const at::Tensor& gradient) {
  const float* values = gradient.const_data_ptr<float>();
  const kernels::Pieces pieces(gradient.numel(), (gradient.numel() + kPieceOfSum - 1) / kPieceOfSum);
  kernels::PartialSums<double> sums(pieces, 1);
  pieces.run([&](int64_t piece, int64_t first, int64_t last) {
    *sums.of(piece) = kernels::table().squares(values + first, last - first, 0.f);
  });
  return gradient.numel() == 0 ? 0 : sums.total()[0];
}

bool summable(const std::vector<at::Tensor>& gradients) {
  return std::all_of(gradients.begin(), gradients.end(), [](const at::Tensor& gradient) {
    return kernels::applies({gradient}) && gradient.is_non_overlapping_and_dense();
  });
}

}  // namespace

at::Tensor gradientNorm(const std::vector<at::Tensor>& gradients) {
  if (gradients.empty()) return at::zeros({});
  if (summable(gradients)) {
    double sum = 0;
    for (const auto& gradient : gradients) sum += squares(gradient);
    return at::scalar_tensor(std::sqrt(sum), gradients[0].options());
  }
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)));
}

void clipGradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm, double max_norm) {
  if (gradients.empty()) return;
  at::_foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp_max(1.0));
}

void clipValues(const std::vector<at::Tensor>& gradients, double largest) {
  if (gradients.empty()) return;
  at::_foreach_clamp_min_(gradients, -largest);
  at::_foreach_clamp_max_(gradients, largest);
}

at::Tensor Penalty::value() const {
  at::Tensor sum;
  for (const auto& [name, parameter] : parameters) {
    const at::Tensor weights = parameter.detach();
    const at::Tensor part = weights.abs().sum() * l1 + weights.square().sum() * l2;
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

void Penalty::addGradient() const {
  for (const auto& [name, parameter] : parameters) {
    const at::Tensor weights = parameter.detach();
    const at::Tensor slope = weights.sign().mul_(l1).add_(weights, 2 * l2);
    at::Tensor& gradient = parameter.mutable_grad();
    gradient = gradient.defined() ? gradient.add(slope) : slope;
  }
}

GradScaler::GradScaler(at::Device device)
    : scale_(at::full({}, kInitialScale, at::TensorOptions().device(device).dtype(at::kFloat))),
      growth_tracker_(at::zeros({}, at::TensorOptions().device(device).dtype(at::kInt))) {}

at::Tensor GradScaler::scale(const at::Tensor& loss) const { return loss * scale_; }

at::Tensor GradScaler::unscale(const std::vector<at::Tensor>& gradients) const {
  at::Tensor found_inf = at::zeros({}, scale_.options());
  if (!gradients.empty())
    at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf,
                                                   scale_.to(at::kDouble).reciprocal().to(at::kFloat));
  return found_inf;
}

void GradScaler::update(const at::Tensor& found_inf) {
  at::_amp_update_scale_(scale_, growth_tracker_, found_inf, kGrowth, kBackoff, kGrowthInterval);
}

}  // namespace eegtorch
