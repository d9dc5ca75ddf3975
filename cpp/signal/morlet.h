// Time and frequency at once: convolution with Morlet's wavelets.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace eegtorch {

struct MorletOptions {
  double sampling_rate = 1;          // hertz
  at::ArrayRef<double> frequencies;  // hertz
  at::ArrayRef<double> cycles;       // of a wavelet: one number, or one for each frequency
  bool zero_mean = true;             // whether a wavelet loses its mean
  int64_t decimation = 1;            // one of so many samples is kept
};

// Convolution with complex Morlet wavelets of norm root 2, cut at five deviations of their Gaussian (Tallon-Baudry et
// al. 1997, Journal of Neuroscience 17): mne.time_frequency.tfr_array_morlet. Zeros lie beyond both ends. x (...,
// samples) -> complex (..., frequencies, samples / decimation rounded up), or its squared magnitude.
at::Tensor morletTransform(const at::Tensor& x, const MorletOptions& options);
at::Tensor morletPower(const at::Tensor& x, const MorletOptions& options);

}  // namespace eegtorch
