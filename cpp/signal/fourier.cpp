#include "signal/fourier.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/extension.h"
#include "signal/long_transform.h"
#include "signal/side_by_side.h"

namespace eegtorch {

namespace {

using Complex = c10::complex<double>;

constexpr int64_t kAtOnce = 1 << 16;  // samples of short signals that are transformed together

// body(first row, rows), in parallel. Two rows or more together, since two real signals are one complex one.
template <class Body>
void forSomeRows(int64_t rows, int64_t length, const Body& body) {
  const auto at_once = 2 * std::max<int64_t>(1, kAtOnce / length / 2);
  at::parallel_for(0, (rows + at_once - 1) / at_once, 1, [&](int64_t from, int64_t to) {
    for (auto some = from; some < to; some++) body(some * at_once, std::min(at_once, rows - some * at_once));
  });
}

// (rows, before + samples + after) float64
template <class Number>
at::Tensor extended(const Number* x, int64_t rows, int64_t samples, int64_t before, int64_t after,
                    Extension extension) {
  const auto length = before + samples + after;
  const auto out = at::empty({rows, length}, at::kDouble);
  for (int64_t row = 0; row < rows; row++)
    copyExtended(extension, x + row * samples, samples, -before, length, out.mutable_data_ptr<double>() + row * length);
  return out;
}

// Two real signals as real and imaginary part of one. Each is scaled to size 1 first, so that the rounding of a large
// one does not drown a small one, and one that is not finite has no partner to spoil.
class Pairs {
 public:
  explicit Pairs(const at::Tensor& rows) : count_(rows.size(0)), length_(rows.size(1)) {
    const auto* x = rows.const_data_ptr<double>();
    int64_t open = -1;  // the pair that waits for a partner
    for (int64_t row = 0; row < count_; row++) {
      double largest = 0;
      for (int64_t i = 0; i < length_; i++) largest = std::max(largest, std::abs(x[row * length_ + i]));
      const bool finite = std::isfinite(std::accumulate(x + row * length_, x + (row + 1) * length_, 0.));
      const bool second = finite && open >= 0;
      places_.push_back({second ? open : pairs_, second, finite && largest > 0 ? std::ilogb(largest) : 0});
      if (finite) open = second ? -1 : pairs_;
      if (!second) pairs_++;
    }
    packed_ = at::zeros({pairs_, length_}, at::kComplexDouble);
    for (int64_t row = 0; row < count_; row++) pack(x + row * length_, places_[static_cast<size_t>(row)]);
  }

  // (pairs, samples) complex
  const at::Tensor& packed() const { return packed_; }

  // (pairs, n) complex -> (rows, n)
  at::Tensor unpacked(const at::Tensor& y) const {
    const auto n = y.size(1);
    const auto out = at::empty({count_, n}, at::kDouble);
    for (int64_t row = 0; row < count_; row++) {
      const auto [pair, second, exponent] = places_[static_cast<size_t>(row)];
      const auto* from = reinterpret_cast<const double*>(y.const_data_ptr<Complex>() + pair * n) + (second ? 1 : 0);
      auto* to = out.mutable_data_ptr<double>() + row * n;
      const auto scale = std::ldexp(1., exponent);
      for (int64_t i = 0; i < n; i++) to[i] = from[2 * i] * scale;
    }
    return out;
  }

 private:
  struct Place {
    int64_t pair;
    bool second;
    int exponent;
  };

  void pack(const double* x, const Place& place) {
    auto* to = reinterpret_cast<double*>(packed_.mutable_data_ptr<Complex>() + place.pair * length_);
    const auto scale = std::ldexp(1., -place.exponent);
    for (int64_t i = 0; i < length_; i++) to[2 * i + (place.second ? 1 : 0)] = x[i] * scale;
  }

  int64_t count_, length_, pairs_ = 0;
  std::vector<Place> places_;
  at::Tensor packed_;
};

at::Tensor emptyLike(const at::Tensor& x, int64_t samples, at::ScalarType dtype) {
  auto sizes = x.sizes().vec();
  sizes.back() = samples;
  return at::empty(sizes, dtype);
}

// The frequencies that both rates have, out of `spectrum` (pairs, before), of signals of `after` samples.
at::Tensor commonFrequencies(const at::Tensor& spectrum, int64_t after, double nyquist) {
  const auto before = spectrum.size(-1), lower = std::min(before, after), half = (lower - 1) / 2, highest = lower / 2;
  const auto out = at::zeros({spectrum.size(0), after}, spectrum.options());
  out.narrow(-1, 0, half + 1).copy_(spectrum.narrow(-1, 0, half + 1));
  out.narrow(-1, after - half, half).copy_(spectrum.narrow(-1, before - half, half));
  if (lower % 2 == 1) return out;
  // half of the lower rate: one bin there, two of opposite sign in the other
  const auto sum = spectrum.select(-1, highest) + spectrum.select(-1, before - highest);
  out.select(-1, highest).copy_(sum * (nyquist / 2));
  if (after > before) out.select(-1, after - highest).copy_(sum * (nyquist / 2));
  return out;
}

at::Tensor resampled(const at::Tensor& rows, const FourierResampling& resampling) {
  const Pairs pairs(rows);
  const auto spectrum = longTransform(pairs.packed(), false);
  const auto common = commonFrequencies(spectrum, resampling.length, resampling.nyquist);
  const auto scale = static_cast<double>(resampling.length) / static_cast<double>(rows.size(-1));
  const auto y = pairs.unpacked(longTransform(common, true));
  return y.narrow(-1, resampling.first, resampling.count).mul_(scale);
}

}  // namespace

at::Tensor fourierResample(const at::Tensor& x, const FourierResampling& resampling) {
  constexpr auto owner = "resample";
  checkSignal(owner, x);
  const OptionCheck check(owner);
  check.size("length", resampling.length);
  check.size("count", resampling.count);
  check.require(resampling.before >= 0 && resampling.after >= 0, "npad", "0 or more",
                std::to_string(std::min(resampling.before, resampling.after)));
  check.require(resampling.first >= 0 && resampling.first + resampling.count <= resampling.length, "count",
                "a part of " + std::to_string(resampling.length) + " samples",
                std::to_string(resampling.count) + " samples from " + std::to_string(resampling.first));
  const auto samples = x.size(-1);
  const auto input = x.detach().cpu().contiguous();
  const auto y = emptyLike(x, resampling.count, x.scalar_type());
  withNumber(x, [&]<class Number>() {
    const auto length = std::max(resampling.before + samples + resampling.after, resampling.length);
    forSomeRows(x.numel() / samples, length, [&](int64_t first, int64_t count) {
      const auto result = resampled(extended(input.const_data_ptr<Number>() + first * samples, count, samples,
                                             resampling.before, resampling.after, Extension::kOdd),
                                    resampling);
      y.view({-1, resampling.count}).narrow(0, first, count).copy_(result);
    });
  });
  return y.to(x.device());
}

namespace {

// The imaginary part of the analytic signal: every frequency a quarter turn later. (rows, length)
at::Tensor quarterTurned(const at::Tensor& rows) {
  const auto length = rows.size(-1), half = (length - 1) / 2;
  const Pairs pairs(rows);
  const auto spectrum = longTransform(pairs.packed(), false);
  spectrum.narrow(-1, 1, half).mul_(Complex(0, -1));
  spectrum.narrow(-1, length - half, half).mul_(Complex(0, 1));
  spectrum.select(-1, 0).zero_();
  if (length % 2 == 0) spectrum.select(-1, length / 2).zero_();
  return pairs.unpacked(longTransform(spectrum, true));
}

// What is made of real and imaginary part: a dtype, and numbers of one signal.
struct Whole {
  template <class Number>
  using Result = c10::complex<Number>;

  template <class Number>
  static void combine(const Number* re, const double* im, int64_t n, Result<Number>* out) {
    for (int64_t i = 0; i < n; i++) out[i] = {re[i], static_cast<Number>(im[i])};
  }
};

struct Magnitude {
  template <class Number>
  using Result = Number;

  template <class Number>
  static void combine(const Number* re, const double* im, int64_t n, Number* out) {
    for (int64_t i = 0; i < n; i++) {
      const double x = re[i];
      out[i] = static_cast<Number>(std::sqrt(x * x + im[i] * im[i]));
    }
  }
};

struct Angle {
  template <class Number>
  using Result = Number;

  template <class Number>
  static void combine(const Number* re, const double* im, int64_t n, Number* out) {
    constexpr auto turn = 2 * std::numbers::pi;
    double turns = 0, before = std::atan2(im[0], static_cast<double>(re[0]));
    out[0] = static_cast<Number>(before);
    for (int64_t i = 1; i < n; i++) {
      const auto angle = std::atan2(im[i], static_cast<double>(re[i]));
      if (angle - before > std::numbers::pi) turns -= turn;
      if (angle - before < -std::numbers::pi) turns += turn;
      out[i] = static_cast<Number>(angle + turns);
      before = angle;
    }
  }
};

template <class Part>
at::Tensor fromAnalytic(const char* owner, const at::Tensor& x, int64_t length) {
  checkSignal(owner, x);
  const auto samples = x.size(-1);
  OptionCheck(owner).size("n_fft", length);
  OptionCheck(owner).require(length >= samples, "n_fft", std::to_string(samples) + " or more", std::to_string(length));
  const auto input = x.detach().cpu().contiguous();
  at::Tensor y;
  withNumber(x, [&]<class Number>() {
    using Result = typename Part::template Result<Number>;
    y = emptyLike(x, samples, c10::CppTypeToScalarType<Result>::value);
    forSomeRows(x.numel() / samples, length, [&](int64_t first, int64_t count) {
      const auto* real = input.const_data_ptr<Number>() + first * samples;
      const at::Tensor imaginary =
          quarterTurned(extended(real, count, samples, 0, length - samples, Extension::kConstant));
      for (int64_t row = 0; row < count; row++)
        Part::combine(real + row * samples, imaginary.const_data_ptr<double>() + row * length, samples,
                      y.mutable_data_ptr<Result>() + (first + row) * samples);
    });
  });
  return y.to(x.device());
}

}  // namespace

at::Tensor analyticSignal(const at::Tensor& x, int64_t length) { return fromAnalytic<Whole>("hilbert", x, length); }

at::Tensor envelope(const at::Tensor& x, int64_t length) { return fromAnalytic<Magnitude>("envelope", x, length); }

at::Tensor instantaneousPhase(const at::Tensor& x, int64_t length) {
  return fromAnalytic<Angle>("instantaneous_phase", x, length);
}

}  // namespace eegtorch
