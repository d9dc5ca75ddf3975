// Multitaper power spectra.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

struct MultitaperOptions {
  double sampling_rate = 1;         // hertz
  double half_bandwidth = 4;        // of the tapers, times the length of the signal in seconds
  bool adaptive = false;            // whether each frequency weighs the tapers by its own power (Thomson 1982)
  bool low_bias = true;             // whether tapers with less than 90 % of their energy in the band are left out
  bool full_normalization = false;  // whether power is divided by the sampling rate: power per hertz
  bool remove_mean = true;
};

// mne.time_frequency.psd_array_multitaper (Thomson 1982, Proceedings of the IEEE 70; Slepian tapers). Bins first ..
// first + bins of the transform of all samples are kept. x (..., samples) -> (..., bins).
at::Tensor multitaper(const at::Tensor& x, const MultitaperOptions& options, int64_t first, int64_t bins);

}  // namespace eegtorch
