// Memory for time in training (Chen et al. 2016, arXiv 1604.06174): what a part of a network computes inside is not
// kept for its gradient, but computed again.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace eegtorch {

// part(x), computed a second time in backward with the same random numbers and the same autocast. Gradients of the
// part's parameters are added to their `grad`, so only `backward` finds them.
at::Tensor recompute(std::function<at::Tensor(const at::Tensor&)> part, const at::Tensor& x);

}  // namespace eegtorch
