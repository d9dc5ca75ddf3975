#include "signal/long_transform.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/dispatch.h"
#include "signal/fast_length.h"

namespace eegtorch {

namespace {

using kernels::FourierStage;
using kernels::kPoint;
using kernels::kTogether;

constexpr int64_t kLong = 1 << 13;  // what is shorter stays in the cache as it is
constexpr auto kLanes = static_cast<int64_t>(kTogether);
constexpr std::array<int64_t, 7> kRadices = {4, 2, 3, 5, 7, 11, 13};

using Complex = c10::complex<double>;

const kernels::FourierTable& fourierTable() {
  static const kernels::FourierTable& chosen =
      kernels::chooseTable(kernels::avx512Fourier, kernels::avx2Fourier, kernels::baselineFourier);
  return chosen;
}

// e^(-2 pi i k / n)
Complex turn(int64_t k, int64_t n) {
  const auto angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

void append(std::vector<double>& numbers, Complex value) {
  numbers.push_back(value.real());
  numbers.push_back(value.imag());
}

// Radices whose product is n; none where another prime divides it.
std::vector<int64_t> radicesOf(int64_t n) {
  std::vector<int64_t> radices;
  for (const auto radix : kRadices)
    for (; n % radix == 0; n /= radix) radices.push_back(radix);
  if (n != 1) radices.clear();
  return radices;
}

// Transforms of kTogether signals at once, each of n points that stay in the cache.
class ShortTransforms {
 public:
  explicit ShortTransforms(int64_t n) {
    int64_t rest = n, span = 1;
    for (const auto radix : radicesOf(n)) {
      Stage stage{radix, rest / radix, span, {}, {}};
      for (int64_t k = 0; k < radix; k++) append(stage.roots, turn(k, radix));
      for (int64_t p = 0; p < stage.parts; p++)
        for (int64_t k = 1; k < radix; k++) append(stage.turns, turn(p * k, rest));
      stages_.push_back(std::move(stage));
      rest /= radix;
      span *= radix;
    }
  }

  // tile, other: (points, kPoint). The one that holds the result, which the other's numbers are lost for.
  double* operator()(double* tile, double* other) const {
    for (const auto& stage : stages_) {
      fourierTable().stage({static_cast<size_t>(stage.radix), static_cast<size_t>(stage.parts),
                            static_cast<size_t>(stage.span), stage.turns.data(), stage.roots.data()},
                           tile, other);
      std::swap(tile, other);
    }
    return tile;
  }

 private:
  struct Stage {
    int64_t radix, parts, span;
    std::vector<double> turns, roots;
  };

  std::vector<Stage> stages_;
};

// The factor of n nearest to its root; 1 where there is none.
int64_t factorOf(int64_t n) {
  for (auto factor = static_cast<int64_t>(std::sqrt(static_cast<double>(n))); factor >= kLanes; factor--)
    if (n % factor == 0) return factor;
  return 1;
}

// e^(-2 pi i k m / n) for m = 0, 1, ..., each a product of two numbers from short tables.
class Turns {
 public:
  explicit Turns(int64_t n) : fine_(static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(n))))) {
    for (int64_t k = 0; k < fine_; k++) small_.push_back(turn(k, n));
    for (int64_t k = 0; k * fine_ < n; k++) large_.push_back(turn(k * fine_, n));
  }

  class Walk {
   public:
    Walk(const Turns& turns, int64_t step)
        : turns_(turns), coarse_step_(step / turns.fine_), fine_step_(step % turns.fine_) {}

    Complex next() {
      const auto value = turns_.large_[static_cast<size_t>(coarse_)] * turns_.small_[static_cast<size_t>(fine_)];
      coarse_ += coarse_step_;
      fine_ += fine_step_;
      if (fine_ >= turns_.fine_) {
        fine_ -= turns_.fine_;
        coarse_++;
      }
      return value;
    }

   private:
    const Turns& turns_;
    int64_t coarse_step_, fine_step_, coarse_ = 0, fine_ = 0;
  };

 private:
  int64_t fine_;
  std::vector<Complex> small_, large_;
};

int64_t groupsOf(int64_t n) { return (n + kLanes - 1) / kLanes; }

// Slots of a scratch.
enum : size_t { kTile, kOther, kBetween, kPadded };

}  // namespace

double* Scratch::doubles(size_t slot, int64_t count) {
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  auto& memory = slots_[slot];
  if (!memory.defined() || memory.numel() < count) memory = at::empty({count}, at::kDouble);
  return memory.mutable_data_ptr<double>();
}

// Sample a * second + b, frequency c + d * first: over a for each b, turned by b c, then over b for each c.
struct LongTransform::Rounds {
  int64_t first, second;
  ShortTransforms over_first, over_second;
  Turns turns;
  std::vector<double> each;  // (c, kPoint): turns of the kTogether signals of a group against each other

  Rounds(int64_t n, int64_t factor)
      : first(factor), second(n / factor), over_first(first), over_second(second), turns(n) {
    for (int64_t c = 0; c < first; c++) {
      for (int64_t j = 0; j < kLanes; j++) each.push_back(turn(c * j, n).real());
      for (int64_t j = 0; j < kLanes; j++) each.push_back(turn(c * j, n).imag());
    }
    each.resize(static_cast<size_t>(groupsOf(first) * kLanes) * kPoint);
  }

  // x (n) interleaved becomes its transform.
  void operator()(double* x, bool inverse, Scratch& scratch) const {
    constexpr auto point = static_cast<int64_t>(kPoint);
    const auto points = std::max(groupsOf(first) * kLanes, second);
    auto *near = scratch.doubles(kTile, points * point), *far = scratch.doubles(kOther, points * point);
    // (c / kTogether, b, kPoint)
    auto* middle = scratch.doubles(kBetween, groupsOf(first) * groupsOf(second) * kLanes * point);
    for (int64_t b = 0; b < second; b += kLanes) {
      const auto count = static_cast<size_t>(std::min(kLanes, second - b));
      fourierTable().gather(x + 2 * b, static_cast<size_t>(second), static_cast<size_t>(first), count, inverse, near);
      exchange(over_first(near, far), b, middle);
    }
    const double scale = inverse ? 1 / static_cast<double>(first * second) : 1;
    for (int64_t c = 0; c < first; c += kLanes) {
      auto* own = middle + c / kLanes * groupsOf(second) * kLanes * static_cast<int64_t>(kPoint);
      const auto* y = over_second(own, near);
      const auto count = static_cast<size_t>(std::min(kLanes, first - c));
      fourierTable().scatter(y, static_cast<size_t>(second), count, inverse, scale, x + 2 * c,
                             static_cast<size_t>(first));
    }
  }

 private:
  void exchange(const double* from, int64_t b, double* middle) const {
    Turns::Walk walk(turns, b);
    for (int64_t group = 0; group < groupsOf(first); group++) {
      std::array<double, kPoint> own{};
      const auto count = static_cast<size_t>(std::min(kLanes, first - group * kLanes));
      for (size_t i = 0; i < count; i++) {
        const auto value = walk.next();
        own[2 * i] = value.real();
        own[2 * i + 1] = value.imag();
      }
      const auto at = group * kLanes * static_cast<int64_t>(kPoint);
      fourierTable().exchange(from + at, own.data(), each.data() + at,
                              middle + (group * groupsOf(second) * kLanes + b) * static_cast<int64_t>(kPoint));
    }
  }
};

// X[k] = w[k] sum_j x[j] w[j] / w[k - j] with w[k] = e^(-pi i k^2 / n): a convolution, as a product of transforms of a
// length that has small factors.
struct LongTransform::Chirp {
  int64_t n, length;
  Rounds rounds;
  at::Tensor chirp, response;  // (n), (length)

  explicit Chirp(int64_t samples)
      : n(samples),
        length(fastLength(2 * samples - 1)),
        rounds(length, factorOf(length)),
        chirp(at::empty({n}, at::kComplexDouble)),
        response(at::zeros({length}, at::kComplexDouble)) {
    auto *w = chirp.mutable_data_ptr<Complex>(), *r = response.mutable_data_ptr<Complex>();
    // k^2 modulo 2 n, from k to k + 1
    for (int64_t k = 0, square = 0; k < n; square = (square + 2 * k + 1) % (2 * n), k++) {
      w[k] = turn(square, 2 * n);
      r[k] = std::conj(w[k]);
      if (k > 0) r[length - k] = r[k];
    }
    Scratch scratch;
    rounds(reinterpret_cast<double*>(r), false, scratch);
  }

  void operator()(Complex* x, bool inverse, Scratch& scratch) const {
    auto* padded = scratch.doubles(kPadded, 2 * length);
    auto* y = reinterpret_cast<Complex*>(padded);
    const auto *w = chirp.const_data_ptr<Complex>(), *r = response.const_data_ptr<Complex>();
    // An inverse is a forward transform with real and imaginary parts exchanged.
    const auto given = [&](Complex value) { return inverse ? Complex(value.imag(), value.real()) : value; };
    for (int64_t k = 0; k < n; k++) y[k] = given(x[k]) * w[k];
    std::fill(y + n, y + length, Complex());
    rounds(padded, false, scratch);
    for (int64_t k = 0; k < length; k++) y[k] *= r[k];
    rounds(padded, true, scratch);
    const double scale = inverse ? 1 / static_cast<double>(n) : 1;
    for (int64_t k = 0; k < n; k++) x[k] = given(y[k] * w[k]) * scale;
  }
};

LongTransform::LongTransform(int64_t n) : n_(n) {
  if (n <= kLong) return;
  const auto factor = radicesOf(n).empty() ? 1 : factorOf(n);
  if (factor > 1)
    rounds_ = std::make_unique<const Rounds>(n, factor);
  else
    chirp_ = std::make_unique<const Chirp>(n);
}

LongTransform::~LongTransform() = default;
LongTransform::LongTransform(LongTransform&&) noexcept = default;

at::Tensor LongTransform::operator()(const at::Tensor& x, bool inverse, Scratch& scratch) const {
  if (!rounds_ && !chirp_) return inverse ? at::fft_ifft(x) : at::fft_fft(x);
  for (int64_t row = 0; row < x.size(0); row++) {
    auto* own = x.mutable_data_ptr<Complex>() + row * n_;
    if (rounds_)
      (*rounds_)(reinterpret_cast<double*>(own), inverse, scratch);
    else
      (*chirp_)(own, inverse, scratch);
  }
  return x;
}

}  // namespace eegtorch
