#include "signal/fourier.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <type_traits>
#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/extension.h"
#include "signal/long_transform.h"
#include "signal/side_by_side.h"
#include "signal/split_transform.h"

namespace eegtorch {

namespace {

using Complex = c10::complex<double>;

// Slots of a scratch, after those of the transforms.
enum : size_t { kRow = Scratch::kOwn, kPacked };

constexpr int64_t kAtOnce = 1 << 16;  // samples of short signals that are transformed together

// body(first row, rows, scratch), in parallel. Two rows or more together, since two real signals are one complex one.
template <class Body>
void forSomeRows(int64_t rows, int64_t length, const Body& body) {
  const auto at_once = 2 * std::max<int64_t>(1, kAtOnce / length / 2);
  at::parallel_for(0, (rows + at_once - 1) / at_once, 1, [&](int64_t from, int64_t to) {
    Scratch scratch;
    for (auto some = from; some < to; some++) body(some * at_once, std::min(at_once, rows - some * at_once), scratch);
  });
}

// Two real signals as real and imaginary part of one. Each is scaled to size 1 first, so that the rounding of a large
// one does not drown a small one, and one that is not finite has no partner to spoil.
class Pairs {
 public:
  // fill(row, out): writes the `length` samples of a row
  template <class Fill>
  Pairs(int64_t rows, int64_t length, Scratch& scratch, const Fill& fill) : length_(length) {
    auto* x = scratch.doubles(kRow, length);
    auto* packed = scratch.doubles(kPacked, 2 * rows * length);  // what is never touched costs no memory
    for (int64_t row = 0; row < rows; row++) {
      fill(row, x);
      pack(x, add(x), packed);
    }
    packed_ = at::from_blob(packed, {pairs_, length}, at::kComplexDouble);
  }

  // (pairs, samples) complex, in the scratch; the caller may overwrite it
  const at::Tensor& packed() const { return packed_; }

  // out[i] = scale * sample first + i of a row of y (pairs, n) complex
  template <class Number>
  void unpack(const at::Tensor& y, int64_t row, int64_t first, int64_t count, double scale, Number* out) const {
    const auto [pair, second, exponent] = places_[static_cast<size_t>(row)];
    const auto* from = reinterpret_cast<const double*>(y.const_data_ptr<Complex>() + pair * y.size(1) + first);
    const auto factor = std::ldexp(scale, exponent);
    for (int64_t i = 0; i < count; i++) out[i] = static_cast<Number>(from[2 * i + (second ? 1 : 0)] * factor);
  }

 private:
  struct Place {
    int64_t pair;
    bool second;
    int exponent;
  };

  Place add(const double* x) {
    // Several sums, none of which waits for another.
    constexpr int64_t lanes = 8;
    double largest = 0, total = 0, highest[lanes] = {}, sums[lanes] = {};
    for (int64_t i = 0; i + lanes <= length_; i += lanes)
      for (int64_t k = 0; k < lanes; k++) {
        highest[k] = std::max(highest[k], std::abs(x[i + k]));
        sums[k] += x[i + k];
      }
    for (auto i = length_ / lanes * lanes; i < length_; i++) {
      largest = std::max(largest, std::abs(x[i]));
      total += x[i];
    }
    for (int64_t k = 0; k < lanes; k++) {
      largest = std::max(largest, highest[k]);
      total += sums[k];
    }
    const bool finite = std::isfinite(total), second = finite && open_ >= 0;
    const Place place{second ? open_ : pairs_, second, finite && largest > 0 ? std::ilogb(largest) : 0};
    if (finite) open_ = second ? -1 : pairs_;
    if (!second) pairs_++;
    places_.push_back(place);
    return place;
  }

  void pack(const double* x, const Place& place, double* packed) const {
    auto* to = packed + 2 * place.pair * length_;
    const auto scale = std::ldexp(1., -place.exponent);
    if (place.second) {
      for (int64_t i = 0; i < length_; i++) to[2 * i + 1] = x[i] * scale;
      return;
    }
    for (int64_t i = 0; i < length_; i++) {
      to[2 * i] = x[i] * scale;
      to[2 * i + 1] = 0;
    }
  }

  int64_t length_, pairs_ = 0, open_ = -1;  // open_: the pair that waits for a partner
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
  const auto before = resampling.before + samples + resampling.after;
  const LongTransform there(before), back(resampling.length);
  const auto scale = static_cast<double>(resampling.length) / static_cast<double>(before);
  withNumber(x, [&]<class Number>() {
    const auto* from = input.const_data_ptr<Number>();
    auto* to = y.mutable_data_ptr<Number>();
    forSomeRows(
        x.numel() / samples, std::max(before, resampling.length), [&](int64_t first, int64_t count, Scratch& scratch) {
          const Pairs pairs(count, before, scratch, [&](int64_t row, double* out) {
            copyExtended(Extension::kOdd, from + (first + row) * samples, samples, -resampling.before, before, out);
          });
          const auto common =
              commonFrequencies(there(pairs.packed(), false, scratch), resampling.length, resampling.nyquist);
          const auto resampled = back(common, true, scratch);
          for (int64_t row = 0; row < count; row++)
            pairs.unpack(resampled, row, resampling.first, resampling.count, scale,
                         to + (first + row) * resampling.count);
        });
  });
  return y.to(x.device());
}

namespace {

// Every frequency of `spectrum` (pairs, length) a quarter turn later, so that the imaginary parts of analytic signals
// remain.
void turnQuarter(const at::Tensor& spectrum) {
  const auto length = spectrum.size(-1), half = (length - 1) / 2;
  spectrum.narrow(-1, 1, half).mul_(Complex(0, -1));
  spectrum.narrow(-1, length - half, half).mul_(Complex(0, 1));
  spectrum.select(-1, 0).zero_();
  if (length % 2 == 0) spectrum.select(-1, length / 2).zero_();
}

// What is made of real part and imaginary part, the latter times a factor: a dtype, and numbers of one signal, which
// may stand where the imaginary part stood.
struct Whole {
  template <class Number>
  using Result = c10::complex<Number>;

  template <class Number>
  static void combine(const Number* re, const double* im, double factor, int64_t n, Result<Number>* out) {
    for (int64_t i = 0; i < n; i++) out[i] = {re[i], static_cast<Number>(factor * im[i])};
  }
};

struct Magnitude {
  template <class Number>
  using Result = Number;

  template <class Number>
  static void combine(const Number* re, const double* im, double factor, int64_t n, Number* out) {
    if constexpr (std::is_same_v<Number, double>) {
      fourierTable().magnitude(re, im, factor, out, static_cast<size_t>(n));
    } else {
      for (int64_t i = 0; i < n; i++) {
        const double x = re[i], y = factor * im[i];
        out[i] = static_cast<Number>(std::sqrt(x * x + y * y));
      }
    }
  }
};

struct Angle {
  template <class Number>
  using Result = Number;

  template <class Number>
  static void combine(const Number* re, const double* im, double factor, int64_t n, Number* out) {
    constexpr auto turn = 2 * std::numbers::pi;
    const auto angleOf = [&](int64_t i) { return std::atan2(factor * im[i], static_cast<double>(re[i])); };
    double turns = 0, before = angleOf(0);
    out[0] = static_cast<Number>(before);
    for (int64_t i = 1; i < n; i++) {
      const auto angle = angleOf(i);
      if (angle - before > std::numbers::pi) turns -= turn;
      if (angle - before < -std::numbers::pi) turns += turn;
      out[i] = static_cast<Number>(angle + turns);
      before = angle;
    }
  }
};

// The same for frequencies c, c + 1, .. and those that follow them, as SplitTransform takes them.
void turnTile(const SplitTransform& transform, int64_t length, int64_t c, double* re) {
  constexpr auto together = static_cast<int64_t>(kernels::kTogether);
  for (auto k = c; k < c + transform.second() * transform.first(); k += transform.first(), re += 2 * together) {
    auto* im = re + together;
    if (k > 0 && 2 * (k + together) <= length) {
      for (int64_t j = 0; j < together; j++) re[j] = -re[j];
    } else if (2 * k > length) {
      for (int64_t j = 0; j < together; j++) im[j] = -im[j];
    } else {
      for (int64_t j = 0; j < together; j++) {
        const auto twice = 2 * (k + j);
        re[j] = twice == 0 || twice == length ? 0 : twice < length ? -re[j] : re[j];
        im[j] = twice == 0 || twice == length ? 0 : twice > length ? -im[j] : im[j];
      }
    }
  }
}

// One signal or two of them. Each is brought to size 1 first, so that the rounding of a large one does not drown a
// small one, and one that is not finite does not spoil the other. Where they fit, their imaginary parts stand in the
// result.
template <class Part, class Number>
void combinePair(const SplitTransform& transform, int64_t length, const Number* x, int64_t count, int64_t samples,
                 typename Part::template Result<Number>* y, Scratch& scratch) {
  double *planes[2], factors[2];
  for (int64_t i = 0; i < 2; i++) {
    planes[i] = nullptr;
    if constexpr (std::is_same_v<typename Part::template Result<Number>, double>)
      if (i < count && length == samples) planes[i] = y + i * samples;
    if (!planes[i]) planes[i] = scratch.doubles(i == 0 ? kRow : kPacked, length);
    const auto own = i < count ? samples : 0;
    copyExtended(Extension::kConstant, x + i * own, own, 0, length, planes[i]);
    factors[i] = fourierTable().normalise(planes[i], static_cast<size_t>(length)) / static_cast<double>(length);
  }
  const auto turn = [&](int64_t c, double* tile) { turnTile(transform, length, c, tile); };
  transform.convolve(planes[0], planes[1], transform.second(), turn, scratch);
  for (int64_t i = 0; i < count; i++) Part::combine(x + i * samples, planes[i], factors[i], samples, y + i * samples);
}

template <class Part, class Number>
void combineAll(const at::Tensor& x, int64_t length, const at::Tensor& y) {
  using Result = typename Part::template Result<Number>;
  const auto samples = x.size(-1), rows = x.numel() / samples;
  const SplitTransform transform(length);
  const auto* from = x.const_data_ptr<Number>();
  auto* to = y.mutable_data_ptr<Result>();
  at::parallel_for(0, (rows + 1) / 2, 1, [&](int64_t first, int64_t last) {
    Scratch scratch;
    for (auto row = 2 * first; row < std::min(rows, 2 * last); row += 2)
      combinePair<Part>(transform, length, from + row * samples, std::min<int64_t>(2, rows - row), samples,
                        to + row * samples, scratch);
  });
}

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
    if (SplitTransform::splits(length)) return combineAll<Part, Number>(input, length, y);
    const LongTransform transform(length);
    forSomeRows(x.numel() / samples, length, [&](int64_t first, int64_t count, Scratch& scratch) {
      const auto* real = input.const_data_ptr<Number>() + first * samples;
      const Pairs pairs(count, length, scratch, [&](int64_t row, double* out) {
        copyExtended(Extension::kConstant, real + row * samples, samples, 0, length, out);
      });
      const auto spectrum = transform(pairs.packed(), false, scratch);
      turnQuarter(spectrum);
      const auto turned = transform(spectrum, true, scratch);
      auto* imaginary = scratch.doubles(kRow, samples);
      for (int64_t row = 0; row < count; row++) {
        pairs.unpack(turned, row, 0, samples, 1, imaginary);
        Part::combine(real + row * samples, imaginary, 1, samples,
                      y.mutable_data_ptr<Result>() + (first + row) * samples);
      }
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
