// Signals freed of their level, trend and scale. Each works on any leading dimensions and any device; time is last.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// (x - mean) / standard deviation over time; a signal that never changes gives NaN, as in scipy.stats.zscore.
// ddof: subtracted from the number of samples under the variance.
at::Tensor zscore(const at::Tensor& x, int64_t ddof);

// x without its mean, or without its least-squares line: scipy.signal.detrend.
at::Tensor detrend(const at::Tensor& x, bool linear);

}  // namespace eegtorch
