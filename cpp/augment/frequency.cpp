// Augmentations in the frequency domain.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hamming_window.h>
#include <ATen/ops/polar.h>
#include <ATen/ops/real.h>
#include <ATen/ops/sinc.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "augment/parts.h"

namespace eegtorch {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

// Of radius 1, at angles in radians.
at::Tensor onCircle(const at::Tensor& angles) { return at::polar(angles.new_ones({}).expand_as(angles), angles); }

struct FtSurrogateConfig : AugmentationConfig {
  double phase_noise_magnitude = 1;
  bool channel_indep = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("phase_noise_magnitude", phase_noise_magnitude, "phases move by up to this share of a whole turn");
    visit("channel_indep", channel_indep, "other phases for each channel; what electrodes share is lost");
  }
};

// Schwabedal et al. 2018: the same spectrum with other phases.
class FtSurrogate : public ConfiguredAugmentation<FtSurrogateConfig> {
 public:
  explicit FtSurrogate(const FtSurrogateConfig& config) : ConfiguredAugmentation(config, "ft_surrogate") {
    options_.fraction("phase_noise_magnitude", config.phase_noise_magnitude);
  }

  // Whole turns (chosen, channels or 1, frequencies), for those frequencies whose phase is free.
  Tensors draw(const Examples& examples) const override {
    return {
        uniform({examples.chosen(), config_.channel_indep ? examples.channels() : 1, (examples.samples() - 1) / 2})};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const at::Tensor angles = (draws[0] * (kTurn * config_.phase_noise_magnitude)).to(x.scalar_type());
    // The mean and, for an even number of samples, the highest frequency are real: their phase stays.
    const at::Tensor all = at::constant_pad_nd(angles, {1, x.size(2) / 2 - angles.size(2)});
    return at::fft_irfft(at::fft_rfft(x) * onCircle(all), x.size(2));
  }
};

struct FrequencyShiftConfig : AugmentationConfig {
  std::optional<double> sfreq;
  double max_delta_freq = 2;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("sfreq", sfreq, "sampling rate in hertz");
    visit("max_delta_freq", max_delta_freq, "the furthest shift in hertz, to either side");
  }
};

// Rommel et al. 2022: the analytic signal turned at the rate of the shift.
class FrequencyShift : public ConfiguredAugmentation<FrequencyShiftConfig> {
 public:
  explicit FrequencyShift(const FrequencyShiftConfig& config)
      : ConfiguredAugmentation(config, "frequency_shift"), sfreq_(requireRate(options_, config.sfreq)) {
    options_.require(config.max_delta_freq >= 0 && config.max_delta_freq <= sfreq_ / 2, "max_delta_freq",
                     "0 to half the sampling rate", std::to_string(config.max_delta_freq));
  }

  // Hertz (chosen).
  Tensors draw(const Examples& examples) const override {
    return {uniform({examples.chosen()}) * (2 * config_.max_delta_freq) - config_.max_delta_freq};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const int64_t samples = x.size(2);
    const at::Tensor seconds = at::arange(samples, draws[0].options()) / sfreq_;
    const at::Tensor angles = (draws[0].view({-1, 1, 1}) * seconds * kTurn).to(x.scalar_type());
    return at::real(analytic(x) * onCircle(angles)).contiguous();
  }

 private:
  // Without its negative frequencies (rows, channels, time); the window is padded with zeros to a power of two.
  static at::Tensor analytic(const at::Tensor& x) {
    int64_t length = 1;
    while (length < x.size(2)) length *= 2;
    at::Tensor spectrum = at::fft_rfft(x, length);
    if (length > 2) spectrum.slice(2, 1, length / 2).mul_(2);
    return at::fft_ifft(spectrum, length).slice(2, 0, x.size(2));
  }

  double sfreq_;
};

struct BandstopFilterConfig : AugmentationConfig {
  std::optional<double> sfreq;
  double bandwidth = 1;
  std::optional<double> max_freq;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("sfreq", sfreq, "sampling rate in hertz");
    visit("bandwidth", bandwidth, "width of the stopped band in hertz");
    visit("max_freq", max_freq, "no stopped band goes above this frequency; null for half the sampling rate");
  }
};

// Mohsenvand et al. 2020. The filter is MNE's notch filter: a windowed sinc with transitions of half a hertz, without
// delay, after the window was continued by its odd reflection at both ends.
class BandstopFilter : public ConfiguredAugmentation<BandstopFilterConfig> {
 public:
  explicit BandstopFilter(const BandstopFilterConfig& config)
      : ConfiguredAugmentation(config, "bandstop_filter"),
        sfreq_(requireRate(options_, config.sfreq)),
        highest_(std::min(config.max_freq.value_or(sfreq_ / 2), sfreq_ / 2)) {
    options_.positive("bandwidth", config.bandwidth);
    options_.require(config.bandwidth < highest_ - 2, "bandwidth",
                     "less than " + std::to_string(highest_ - 2) + " Hz, the highest frequency less 2 Hz",
                     std::to_string(config.bandwidth));
  }

  // The middle of each stopped band in hertz (chosen).
  Tensors draw(const Examples& examples) const override {
    const double from = 1 + config_.bandwidth / 2, to = highest_ - 1 - config_.bandwidth / 2;
    return {uniform({examples.chosen()}) * (to - from) + from};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const int64_t half = halfLength();
    const int64_t edge = std::min(half, x.size(2) - 1);
    const int64_t length = fastLength(x.size(2) + 2 * edge + 2 * half);
    const at::Tensor taps = design(draws[0].to(at::kDouble), half).to(x.scalar_type()).unsqueeze(1);
    const at::Tensor spectrum = at::fft_rfft(continued(x, edge), length) * at::fft_rfft(taps, length);
    return at::fft_irfft(spectrum, length).slice(2, half + edge, half + edge + x.size(2)).contiguous();
  }

 private:
  static constexpr double kTransition = 0.5;     // hertz
  static constexpr double kHammingFactor = 3.3;  // taps times transition over sampling rate (Ifeachor and Jervis)

  // Taps on each side of the middle one.
  int64_t halfLength() const { return std::llround(kHammingFactor * sfreq_ / kTransition) / 2; }

  // (rows) -> (rows, taps)
  at::Tensor design(const at::Tensor& middle, int64_t half) const {
    const double reach = (config_.bandwidth + kTransition) / 2;
    at::Tensor taps = lowPass(middle - reach, half) - lowPass(middle + reach, half);
    taps.select(1, half).add_(1);
    return taps;
  }

  // A windowed sinc that passes a constant unchanged.
  at::Tensor lowPass(const at::Tensor& cutoff, int64_t half) const {
    const at::Tensor times = at::arange(-half, half + 1, cutoff.options());
    const at::Tensor window = at::hamming_window(2 * half + 1, /*periodic=*/false, cutoff.options());
    const at::Tensor taps = at::sinc(times * (cutoff * (2 / sfreq_)).unsqueeze(1)) * window;
    return taps / taps.sum(1, /*keepdim=*/true);
  }

  // Both ends mirrored through their last sample.
  static at::Tensor continued(const at::Tensor& x, int64_t edge) {
    if (edge == 0) return x;
    const int64_t last = x.size(2) - 1;
    const at::Tensor before = x.slice(2, 0, 1) * 2 - x.slice(2, 1, edge + 1).flip(2);
    const at::Tensor after = x.slice(2, last) * 2 - x.slice(2, last - edge, last).flip(2);
    return at::cat({before, x, after}, 2);
  }

  // The next length whose only prime factors are 2, 3 and 5.
  static int64_t fastLength(int64_t least) {
    for (int64_t length = least;; length++) {
      int64_t rest = length;
      for (const int64_t prime : {2, 3, 5})
        while (rest % prime == 0) rest /= prime;
      if (rest == 1) return length;
    }
  }

  double sfreq_, highest_;
};

}  // namespace

AugmentationEntry ftSurrogate() {
  return augmentationEntry<FtSurrogate, FtSurrogateConfig>(
      "ft_surrogate", "the same spectrum with other phases (Schwabedal et al. 2018)");
}
AugmentationEntry frequencyShift() {
  return augmentationEntry<FrequencyShift, FrequencyShiftConfig>("frequency_shift",
                                                                 "the spectrum moves up or down (Rommel et al. 2022)");
}
AugmentationEntry bandstopFilter() {
  return augmentationEntry<BandstopFilter, BandstopFilterConfig>(
      "bandstop_filter", "a narrow band of frequencies goes (Mohsenvand et al. 2020)");
}

}  // namespace eegtorch
