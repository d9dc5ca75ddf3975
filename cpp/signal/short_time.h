// Spectra of short segments: Welch's averages, spectrograms, short-time Fourier transforms. SciPy's definitions.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

// Which segments, and what their squared spectra are divided by.
struct SegmentOptions {
  double sampling_rate = 1;         // hertz
  int64_t segment = 256;            // samples of a segment
  int64_t overlap = 128;            // samples that a segment shares with the next
  int64_t n_fft = 256;              // samples after padding with zeros
  std::string window = "hann";      // a name that makeWindow knows
  bool detrend = true;              // whether each segment loses its mean
  std::string scaling = "density";  // "density": per hertz; "spectrum": the square of an amplitude
};

// Welch's power spectrum (Welch 1967, IEEE Transactions on Audio and Electroacoustics 15): scipy.signal.welch.
// average: "mean" or "median" of the segments, the latter without its bias. Bins first .. first + bins are kept.
// x (..., samples) -> (..., bins). At no time does it hold more than a few segments besides.
at::Tensor welch(const at::Tensor& x, const SegmentOptions& options, const std::string& average, int64_t first,
                 int64_t bins);

// Power of each segment: scipy.signal.spectrogram. x (..., samples) -> (..., n_fft / 2 + 1, segments).
at::Tensor spectrogram(const at::Tensor& x, const SegmentOptions& options);

// scipy.signal.stft: segments centred on multiples of the hop, zeros beyond both ends, divided by the window's sum.
// x (..., samples) -> complex (..., segment / 2 + 1, segments).
at::Tensor shortTimeFourier(const at::Tensor& x, int64_t segment, int64_t overlap, const std::string& window);

// torch.stft with a Hann window: segments centred on multiples of the hop, the signal reflected at both ends.
// x (..., samples) -> complex (..., n_fft / 2 + 1, segments).
at::Tensor reflectedFourier(const at::Tensor& x, int64_t n_fft, int64_t hop);

// Natural logarithm of the power of reflectedFourier, `rows` frequencies by `columns` times: a Hann window of
// 2 (rows - 1) samples moves by samples / columns, rounded down. `floor` is added to the power.
// x (..., samples) -> (..., rows, columns).
at::Tensor spectrumImage(const at::Tensor& x, int64_t rows, int64_t columns, double floor);

}  // namespace eegtorch
