#include "signal/long_transform.h"

#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "signal/fast_length.h"

namespace eegtorch {

namespace {

constexpr int64_t kLong = 1 << 13;  // what is shorter stays in the cache as it is

using Complex = c10::complex<double>;

// Slot of a scratch, behind those of SplitTransform.
constexpr size_t kPadded = Scratch::kOwn - 1;

// e^(-2 pi i k / n)
Complex turn(int64_t k, int64_t n) {
  const auto angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

}  // namespace

// X[k] = w[k] sum_j x[j] w[j] / w[k - j] with w[k] = e^(-pi i k^2 / n): a convolution, of a length that has small
// factors.
struct LongTransform::Chirp {
  int64_t n, length;
  SplitTransform split;
  std::vector<Complex> chirp;   // (n)
  std::vector<double> factors;  // the transform of 1 / w, as tiles

  explicit Chirp(int64_t samples)
      : n(samples), length(fastLength(2 * samples - 1)), split(length), chirp(static_cast<size_t>(n)) {
    std::vector<Complex> response(static_cast<size_t>(length));
    const auto scale = 1 / static_cast<double>(length);
    auto *w = chirp.data(), *r = response.data();
    // k^2 modulo 2 n, from k to k + 1
    for (int64_t k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), k++) {
      w[k] = turn(square, 2 * n);
      r[k] = std::conj(w[k]) * scale;
      if (k > 0) r[length - k] = r[k];
    }
    Scratch scratch;
    auto* spectrum = reinterpret_cast<double*>(r);
    split(spectrum, false, scratch);
    factors = split.arranged(spectrum);
  }

  void operator()(Complex* x, bool inverse, Scratch& scratch) const {
    auto *re = scratch.doubles(kPadded, 2 * length), *im = re + length;
    // An inverse is a forward transform with real and imaginary parts exchanged.
    const auto given = [&](Complex value) { return inverse ? Complex(value.imag(), value.real()) : value; };
    for (int64_t k = 0; k < n; k++) {
      const auto value = given(x[k]) * chirp[static_cast<size_t>(k)];
      re[k] = value.real();
      im[k] = value.imag();
    }
    std::fill(re + n, re + length, 0.);
    std::fill(im + n, im + length, 0.);
    split.convolve(re, im, split.second(), split.product(factors), scratch);
    const double scale = inverse ? 1 / static_cast<double>(n) : 1;
    for (int64_t k = 0; k < n; k++) x[k] = given(Complex(re[k], im[k]) * chirp[static_cast<size_t>(k)]) * scale;
  }
};

LongTransform::LongTransform(int64_t n) : n_(n) {
  if (n <= kLong) return;
  if (SplitTransform::splits(n))
    split_ = std::make_unique<const SplitTransform>(n);
  else
    chirp_ = std::make_unique<const Chirp>(n);
}

LongTransform::~LongTransform() = default;
LongTransform::LongTransform(LongTransform&&) noexcept = default;

at::Tensor LongTransform::operator()(const at::Tensor& x, bool inverse, Scratch& scratch) const {
  if (!split_ && !chirp_) return inverse ? at::fft_ifft(x) : at::fft_fft(x);
  for (int64_t row = 0; row < x.size(0); row++) {
    auto* own = x.mutable_data_ptr<Complex>() + row * n_;
    if (split_)
      (*split_)(reinterpret_cast<double*>(own), inverse, scratch);
    else
      (*chirp_)(own, inverse, scratch);
  }
  return x;
}

}  // namespace eegtorch
