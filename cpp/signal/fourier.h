// What is done to whole signals by their Fourier transforms, in float64 and a few signals at a time, so that little
// memory is needed beside the result.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Resampling through the transform of the extended signal: `before` and `after` samples, turned about its ends, are put
// around it; the extended signal becomes `length` samples, of which `count` from `first` on are the result.
struct FourierResampling {
  int64_t before, after, length, first, count;
  double nyquist;  // factor on the highest frequency that both rates have, where that is half of the lower rate
};

// scipy.signal.resample with nothing put around, mne.filter.resample(method='fft') else. x (..., samples) -> (...,
// count)
at::Tensor fourierResample(const at::Tensor& x, const FourierResampling& resampling);

// The analytic signal, complex: scipy.signal.hilbert(x, N). x (..., samples) -> as x. length: of the transform, at
// least the samples; zeros fill it.
at::Tensor analyticSignal(const at::Tensor& x, int64_t length);

// Its magnitude.
at::Tensor envelope(const at::Tensor& x, int64_t length);

// Its angle in radians without jumps: numpy.unwrap.
at::Tensor instantaneousPhase(const at::Tensor& x, int64_t length);

}  // namespace eegtorch
