// Recursive filters as second-order sections. They run on the CPU, in float64; signals on other devices go there and
// back. Leading dimensions are free, time is last.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

namespace eegtorch {

// One pass forward: scipy.signal.sosfilt.
// sos: b0 b1 b2 a0 a1 a2 of each section in a row, a0 = 1. state: (..., sections, 2) float64, of what came before, or
// none for rest. -> as x; the state after it.
std::tuple<at::Tensor, at::Tensor> sosfilt(const at::Tensor& x, at::ArrayRef<double> sos,
                                           const std::optional<at::Tensor>& state);

// Forward and backward, the signal turned about its ends by `padding` samples first: scipy.signal.sosfiltfilt with its
// odd extension. steady: two numbers per section, its state after an endless input of ones. padding: fewer where the
// signal is too short.
at::Tensor sosfiltfilt(const at::Tensor& x, at::ArrayRef<double> sos, at::ArrayRef<double> steady, int64_t padding);

}  // namespace eegtorch
