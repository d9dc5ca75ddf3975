// Dropout whose mask is a function of one seed and the position of an element: drawn by vector instructions on all
// threads, the same for any number of them, and drawn again in backward in place of being stored.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// The seed is drawn from LibTorch's default CPU generator, so that its state alone repeats or resumes a run.
at::Tensor dropout(const at::Tensor& x, double probability, bool training);

}  // namespace eegtorch::kernels
