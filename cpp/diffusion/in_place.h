// SiLU and sums that cost no new memory where no gradient is recorded.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// silu(x), in place of x where no gradient is recorded: for a fresh result that nothing else holds.
at::Tensor siluOf(at::Tensor fresh);

// fresh + other, in place likewise.
at::Tensor addTo(at::Tensor fresh, const at::Tensor& other);

}  // namespace eegtorch
