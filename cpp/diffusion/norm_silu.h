// Group norm with SiLU, and sums that cost no new memory where no gradient is recorded.
#pragma once

#include "blocks/layers.h"

namespace eegtorch {

// silu(norm(x)): x (batch, channels, height, width), likewise
at::Tensor normSilu(GroupNormImpl& norm, const at::Tensor& x);

// silu(x), in place of x where no gradient is recorded: for a fresh result that nothing else holds.
at::Tensor siluOf(at::Tensor fresh);

// fresh + other, in place likewise.
at::Tensor addTo(at::Tensor fresh, const at::Tensor& other);

}  // namespace eegtorch
