// Group norm of images whose channels are innermost in memory (Wu and He 2018, ECCV), alone or with SiLU behind it, in
// two passes over memory forwards and two backwards, keeping nothing but its input.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

struct GroupNormOptions {
  int64_t groups;
  double eps;
  bool silu;
};

// x (batch, channels, height, width), weight and bias (channels) -> likewise: group_norm, then silu if asked for. Other
// tensors than float32 images with innermost channels on the CPU take LibTorch's operators.
at::Tensor groupNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     const GroupNormOptions& options);

}  // namespace eegtorch::kernels
