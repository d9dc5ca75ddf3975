#include "signal/morlet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <complex>
#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/fast_length.h"
#include "signal/rows.h"

namespace eegtorch {

namespace {

constexpr double kDeviations = 5;
constexpr int64_t kBlock = 1 << 15;  // samples of a piece of the signal that is convolved at once

using Wavelet = std::vector<std::complex<double>>;

Wavelet makeWavelet(double frequency, double cycles, double sampling_rate, bool zero_mean) {
  const double deviation = cycles / (2 * M_PI * frequency);  // seconds
  const auto half = static_cast<int64_t>(std::ceil(kDeviations * deviation * sampling_rate)) - 1;
  const double mean = zero_mean ? std::exp(-2 * std::pow(M_PI * frequency * deviation, 2)) : 0;
  Wavelet wavelet(2 * half + 1);
  double square = 0;
  for (int64_t i = -half; i <= half; i++) {
    const double t = static_cast<double>(i) / sampling_rate;
    const auto value =
        (std::polar(1., 2 * M_PI * frequency * t) - mean) * std::exp(-t * t / (2 * deviation * deviation));
    wavelet[i + half] = value;
    square += std::norm(value);
  }
  for (auto& value : wavelet) value *= std::sqrt(2 / square);
  return wavelet;
}

std::vector<Wavelet> makeWavelets(const char* owner, int64_t samples, const MorletOptions& options) {
  const OptionCheck check(owner);
  check.positive("sampling_rate", options.sampling_rate);
  check.require(options.decimation >= 1 && options.decimation <= samples, "decimation",
                "from 1 to the " + std::to_string(samples) + " samples", std::to_string(options.decimation));
  const auto count = options.frequencies.size();
  check.require(count >= 1, "frequencies", "one or more", "none");
  check.require(options.cycles.size() == 1 || options.cycles.size() == count, "cycles",
                "one number, or one for each of the " + std::to_string(count) + " frequencies",
                std::to_string(options.cycles.size()));
  std::vector<Wavelet> wavelets;
  for (size_t i = 0; i < count; i++) {
    const double cycles = options.cycles[options.cycles.size() == 1 ? 0 : i], frequency = options.frequencies[i];
    check.positive("frequencies", frequency);
    check.positive("cycles", cycles);
    const double reach = std::ceil(kDeviations * cycles / (2 * M_PI * frequency) * options.sampling_rate);
    check.require(2 * reach - 1 <= static_cast<double>(samples), "frequencies",
                  "wavelets no longer than the " + std::to_string(samples) + " samples",
                  std::to_string(2 * reach - 1) + " samples at " + std::to_string(frequency) + " Hz");
    wavelets.push_back(makeWavelet(frequency, cycles, options.sampling_rate, options.zero_mean));
  }
  return wavelets;
}

// Convolves pieces of signals: what wraps round at a piece's ends is left out (overlap and save).
class Convolution {
 public:
  Convolution(const at::Tensor& x, const std::vector<Wavelet>& wavelets, int64_t decimation) : step_(decimation) {
    const auto n = x.size(-1);
    for (const auto& wavelet : wavelets) reach_ = std::max<int64_t>(reach_, static_cast<int64_t>(wavelet.size()) / 2);
    reach_ = (reach_ + step_ - 1) / step_ * step_;  // so that pieces begin on samples that are kept
    const auto wanted = std::min(n + 2 * reach_, std::max(kBlock, 8 * reach_));
    folded_ = fastLength((wanted + step_ - 1) / step_);
    kept_ = (n + step_ - 1) / step_;
    spectra_ = at::zeros({static_cast<int64_t>(wavelets.size()), length()}, at::kComplexDouble);
    for (size_t i = 0; i < wavelets.size(); i++) place(wavelets[i], spectra_.select(0, static_cast<int64_t>(i)));
    spectra_ = at::fft_fft(spectra_).to(x.device(), c10::toComplexType(x.scalar_type()));
  }

  int64_t kept() const { return kept_; }

  // take(first kept sample, complex (rows, frequencies, kept samples)) for each piece of (rows, samples).
  template <class Take>
  void run(const at::Tensor& rows, const Take& take) const {
    const auto useful = folded_ - 2 * reach_ / step_;  // kept samples of a piece
    for (int64_t first = 0; first < kept_; first += useful) {
      const auto count = std::min(useful, kept_ - first);
      const auto spectra = at::fft_fft(piece(rows, first * step_ - reach_));
      for (int64_t i = 0; i < spectra_.size(0); i++) {
        const auto result = at::fft_ifft(fold(spectra * spectra_.select(0, i)));
        take(i, first, result.narrow(-1, reach_ / step_, count));
      }
    }
  }

 private:
  int64_t length() const { return folded_ * step_; }

  // The wavelet's middle at index 0, its first half wrapped round to the end.
  void place(const Wavelet& wavelet, at::Tensor buffer) const {
    auto* values = reinterpret_cast<std::complex<double>*>(buffer.mutable_data_ptr<c10::complex<double>>());
    const auto half = static_cast<int64_t>(wavelet.size()) / 2;
    for (int64_t i = -half; i <= half; i++) values[(i + length()) % length()] += wavelet[i + half];
  }

  // Samples start .. start + length of each row, zeros where there are none.
  at::Tensor piece(const at::Tensor& rows, int64_t start) const {
    const auto n = rows.size(-1);
    const auto from = std::max<int64_t>(start, 0), to = std::min(n, start + length());
    return at::constant_pad_nd(rows.narrow(-1, from, to - from), {from - start, start + length() - to});
  }

  // Keeping one of `step` samples adds up frequencies that become the same.
  at::Tensor fold(const at::Tensor& spectrum) const {
    return step_ == 1 ? spectrum : spectrum.view({-1, step_, folded_}).mean(1);
  }

  int64_t step_, reach_ = 0, folded_ = 0, kept_ = 0;
  at::Tensor spectra_;  // (frequencies, length)
};

template <class Store>
at::Tensor transform(const char* owner, const at::Tensor& x, const MorletOptions& options, at::ScalarType type,
                     const Store& store) {
  const Convolution convolution(x, makeWavelets(owner, x.size(-1), options), options.decimation);
  const auto rows = x.reshape({-1, x.size(-1)});
  const auto frequencies = static_cast<int64_t>(options.frequencies.size());
  auto result = at::empty({rows.size(0), frequencies, convolution.kept()}, x.options().dtype(type));
  overRows(x, rows.size(0), 8 * kBlock, [&](int64_t from, int64_t to) {
    const auto out = result.narrow(0, from, to - from);
    convolution.run(rows.narrow(0, from, to - from), [&](int64_t i, int64_t first, const at::Tensor& values) {
      store(out.select(1, i).narrow(-1, first, values.size(-1)), values);
    });
  });
  return result.reshape(shapeLike(x, 1, {frequencies, convolution.kept()}));
}

}  // namespace

at::Tensor morletTransform(const at::Tensor& x, const MorletOptions& options) {
  constexpr auto owner = "morlet";
  checkSignal(owner, x);
  return transform(owner, x, options, c10::toComplexType(x.scalar_type()),
                   [](const at::Tensor& out, const at::Tensor& values) { out.copy_(values); });
}

at::Tensor morletPower(const at::Tensor& x, const MorletOptions& options) {
  constexpr auto owner = "morlet_power";
  checkSignal(owner, x);
  return transform(owner, x, options, x.scalar_type(), [](at::Tensor out, const at::Tensor& values) {
    at::sum_out(out, at::view_as_real(values).square(), -1);
  });
}

}  // namespace eegtorch
