#include "diffusion/in_place.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "kernels/dispatch.h"

namespace eegtorch {

at::Tensor siluOf(at::Tensor fresh) { return kernels::isRecorded({fresh}) ? at::silu(fresh) : at::silu_(fresh); }

at::Tensor addTo(at::Tensor fresh, const at::Tensor& other) {
  const bool in_place = !kernels::isRecorded({fresh, other}) && fresh.scalar_type() == other.scalar_type();
  return in_place ? fresh.add_(other) : fresh + other;
}

}  // namespace eegtorch
