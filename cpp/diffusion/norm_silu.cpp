#include "diffusion/norm_silu.h"

#include <ATen/Functions.h>

namespace eegtorch {

namespace {

bool recorded(const at::Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

}  // namespace

at::Tensor normSilu(GroupNormImpl& norm, const at::Tensor& x) { return siluOf(norm.forward(x)); }

at::Tensor siluOf(at::Tensor fresh) { return recorded(fresh) ? at::silu(fresh) : at::silu_(fresh); }

at::Tensor addTo(at::Tensor fresh, const at::Tensor& other) {
  const bool in_place = !recorded(fresh) && !recorded(other) && fresh.scalar_type() == other.scalar_type();
  return in_place ? fresh.add_(other) : fresh + other;
}

}  // namespace eegtorch
