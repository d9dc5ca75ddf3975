// Signals standardised by what came before, with weights that fade exponentially: braindecode's
// exponential_moving_standardize and exponential_moving_demean. On the CPU, in float64; signals on other devices go
// there and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace eegtorch {

struct MovingOptions {
  double factor_new;                       // weight of a new sample, above 0, at most 1
  std::optional<int64_t> init_block_size;  // so many samples at the start take their own mean and deviation
  double eps;                              // bounds the deviation from below
  bool scale;                              // divide by the deviation
};

// x (..., samples); state (..., 3) float64, of what came before, or none -> as x; the state after it.
std::tuple<at::Tensor, at::Tensor> movingStandardise(const at::Tensor& x, const MovingOptions& options,
                                                     const std::optional<at::Tensor>& state);

}  // namespace eegtorch
