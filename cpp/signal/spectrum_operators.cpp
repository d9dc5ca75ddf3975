// Spectra as operators of the namespace `eegtorch`. lib/signal gives them their public names, options and defaults.
#include <torch/library.h>

#include "signal/morlet.h"
#include "signal/multitaper.h"
#include "signal/short_time.h"

namespace eegtorch {

namespace {

using at::Tensor;

Tensor welchOperator(const Tensor& x, double sampling_rate, int64_t segment, int64_t overlap, int64_t n_fft,
                     std::string window, bool detrend, std::string scaling, std::string average, int64_t first,
                     int64_t bins) {
  return welch(x, {sampling_rate, segment, overlap, n_fft, window, detrend, scaling}, average, first, bins);
}

Tensor spectrogramOperator(const Tensor& x, double sampling_rate, int64_t segment, int64_t overlap, int64_t n_fft,
                           std::string window, bool detrend, std::string scaling) {
  return spectrogram(x, {sampling_rate, segment, overlap, n_fft, window, detrend, scaling});
}

Tensor stftOperator(const Tensor& x, int64_t segment, int64_t overlap, std::string window) {
  return shortTimeFourier(x, segment, overlap, window);
}

Tensor multitaperOperator(const Tensor& x, double sampling_rate, double half_bandwidth, bool adaptive, bool low_bias,
                          bool full_normalization, bool remove_mean, int64_t first, int64_t bins) {
  return multitaper(x, {sampling_rate, half_bandwidth, adaptive, low_bias, full_normalization, remove_mean}, first,
                    bins);
}

Tensor morletOperator(const Tensor& x, double sampling_rate, at::ArrayRef<double> frequencies,
                      at::ArrayRef<double> cycles, bool zero_mean, int64_t decimation) {
  return morletTransform(x, {sampling_rate, frequencies, cycles, zero_mean, decimation});
}

Tensor morletPowerOperator(const Tensor& x, double sampling_rate, at::ArrayRef<double> frequencies,
                           at::ArrayRef<double> cycles, bool zero_mean, int64_t decimation) {
  return morletPower(x, {sampling_rate, frequencies, cycles, zero_mean, decimation});
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def(
      "welch(Tensor x, *, float sampling_rate, int segment, int overlap, int n_fft, str window, bool detrend, str "
      "scaling, str average, int first, int bins) -> Tensor",
      welchOperator);
  library.def(
      "spectrogram(Tensor x, *, float sampling_rate, int segment, int overlap, int n_fft, str window, bool detrend, "
      "str scaling) -> Tensor",
      spectrogramOperator);
  library.def("stft(Tensor x, *, int segment, int overlap, str window) -> Tensor", stftOperator);
  library.def("torch_stft(Tensor x, *, int n_fft, int hop) -> Tensor", reflectedFourier);
  library.def("stft_image(Tensor x, *, int rows, int columns, float floor) -> Tensor", spectrumImage);
  library.def(
      "multitaper(Tensor x, *, float sampling_rate, float half_bandwidth, bool adaptive, bool low_bias, bool "
      "full_normalization, bool remove_mean, int first, int bins) -> Tensor",
      multitaperOperator);
  library.def(
      "morlet(Tensor x, *, float sampling_rate, float[] frequencies, float[] cycles, bool zero_mean, int decimation) "
      "-> Tensor",
      morletOperator);
  library.def(
      "morlet_power(Tensor x, *, float sampling_rate, float[] frequencies, float[] cycles, bool zero_mean, int "
      "decimation) -> Tensor",
      morletPowerOperator);
}

}  // namespace eegtorch
