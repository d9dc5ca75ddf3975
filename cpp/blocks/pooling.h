// Pooling along time, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "core/config.h"

namespace eegtorch {

inline constexpr std::array kPoolModes = {"mean", "max"};
using PoolMode = OneOf<kPoolModes>;

// (batch, filters, rows, samples) -> (batch, filters, rows, pooledLength(samples, length, stride))
at::Tensor poolTime(const at::Tensor& x, const PoolMode& mode, int64_t length, int64_t stride);

inline int64_t pooledLength(int64_t samples, int64_t length, int64_t stride) {
  return samples < length ? 0 : (samples - length) / stride + 1;
}

}  // namespace eegtorch
