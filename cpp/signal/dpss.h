// Discrete prolate spheroidal sequences: the tapers of multitaper spectra.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace eegtorch {

// The `count` sequences of `length` samples whose energy is most concentrated within +-half_bandwidth / length cycles
// per sample (Slepian 1978, Bell System Technical Journal 57), and how much of it lies there:
// scipy.signal.windows.dpss(length, half_bandwidth, count, sym=False, norm=2, return_ratios=True).
// -> (count, length) and (count), float64 on the CPU.
std::pair<at::Tensor, at::Tensor> prolateTapers(int64_t length, double half_bandwidth, int64_t count);

}  // namespace eegtorch
