#include "diffusion/in_place.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

namespace eegtorch {

namespace {

bool recorded(const at::Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

}  // namespace

at::Tensor siluOf(at::Tensor fresh) { return recorded(fresh) ? at::silu(fresh) : at::silu_(fresh); }

at::Tensor addTo(at::Tensor fresh, const at::Tensor& other) {
  const bool in_place = !recorded(fresh) && !recorded(other) && fresh.scalar_type() == other.scalar_type();
  return in_place ? fresh.add_(other) : fresh + other;
}

}  // namespace eegtorch
