#include "augment/mixup.h"

#include <ATen/ops/_sample_dirichlet.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/where.h>

#include "augment/parts.h"

namespace eegtorch {
namespace {

// A share for each example, (batch) float64: Beta is Dirichlet of two.
at::Tensor drawShares(double alpha, bool each, int64_t batch) {
  const at::Tensor concentration = at::full({each ? batch : 1, 2}, alpha, at::kDouble);
  return at::_sample_dirichlet(concentration).select(1, 0).expand({batch});
}

// share * own + (1 - share) * partner's, along the first dimension.
at::Tensor mix(const at::Tensor& values, const at::Tensor& partners, const at::Tensor& share) {
  std::vector<int64_t> sizes(values.dim(), 1);
  sizes[0] = -1;
  return values.index_select(0, partners).lerp(values, share.to(values.options()).view(sizes));
}

}  // namespace

Mixup::Mixup(const MixupConfig& config) : config_(config) {
  const OptionCheck options("mixup");
  options.positive("alpha", config.alpha);
  options.fraction("probability", config.probability);
}

Tensors Mixup::draw(int64_t batch) const {
  at::Tensor shares = drawShares(config_.alpha, config_.beta_per_sample, batch);
  if (config_.probability < 1)
    shares = at::where(uniform({batch}).lt(config_.probability), shares, at::ones_like(shares));
  return {at::randperm(batch, at::kLong), shares};
}

void Mixup::apply(const Tensors& draws, Tensors& inputs, Tensors& targets) {
  const at::Tensor &partners = draws[0], &shares = draws[1];
  if (targets.size() != 1)
    throw Error("SHAPE_MISMATCH", "mixup mixes one target", "one target", std::to_string(targets.size()));
  inputs[0] = mix(inputs[0], partners, shares);
  if (targets[0].is_floating_point())
    targets[0] = mix(targets[0], partners, shares);
  else
    targets = {targets[0], targets[0].index_select(0, partners), shares};
}

}  // namespace eegtorch
