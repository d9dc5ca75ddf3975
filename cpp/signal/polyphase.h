// Resampling by a ratio of whole numbers, and filters of finite impulse response that are applied as they stand: sums
// of products, in float64, on the CPU. Signals on other devices go there and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace eegtorch {

// y[m] = sum_k taps[k] u[m down + shift - k], where u has sample i of x at i up and zeros between; so many samples that
// y ends with x. pad: what x is beyond its ends, a name of signal/extension.h.
// x (..., samples), taps (taps) float64 -> (..., ceil(samples up / down))
at::Tensor polyphase(const at::Tensor& x, const at::Tensor& taps, int64_t up, int64_t down, int64_t shift,
                     const std::string& pad);

// The causal filter y[i] = sum_k taps[k] x[i - k]. state: the (..., taps - 1) samples before x, zeros by default.
// -> as x; the state after it. Each sample is one sum, the same however a signal is cut.
std::tuple<at::Tensor, at::Tensor> firCausal(const at::Tensor& x, const at::Tensor& taps,
                                             const std::optional<at::Tensor>& state);

}  // namespace eegtorch
