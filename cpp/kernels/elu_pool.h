// Batch norm, ELU and pooling over time in one pass over memory, forward and backward; nothing between them is stored.
#pragma once

#include "kernels/batch_norm.h"

namespace eegtorch::kernels {

struct TimePool {
  int64_t kernel, stride;
  bool max;  // largest value; else the mean
};

// x: (batch, channels, 1, samples) -> (batch, channels, 1, (samples - kernel) / stride + 1).
at::Tensor batchNormEluPool(const at::Tensor& x, torch::nn::BatchNorm2dImpl& norm, const TimePool& pool);

}  // namespace eegtorch::kernels
