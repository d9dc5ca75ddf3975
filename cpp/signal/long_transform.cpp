#include "signal/long_transform.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/fft_ifft.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace eegtorch {

namespace {

constexpr int64_t kLong = 1 << 13;  // what is shorter stays in the cache as it is
constexpr int64_t kLeastFactor = 16;
constexpr int64_t kStripe = 32;  // columns taken together

using Complex = c10::complex<double>;

// The factor of n nearest to its root, or 1 where none is worth it.
int64_t factorOf(int64_t n) {
  for (auto factor = static_cast<int64_t>(std::sqrt(static_cast<double>(n))); factor >= kLeastFactor; factor--)
    if (n % factor == 0) return factor;
  return 1;
}

// e^(-2 pi i k / n) for any k, as a product of two numbers from short tables.
class Turns {
 public:
  explicit Turns(int64_t n) : n_(n), coarse_(static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(n))))) {
    for (int64_t k = 0; k < coarse_; k++) small_.push_back(turn(k));
    for (int64_t k = 0; k * coarse_ < n; k++) large_.push_back(turn(k * coarse_));
  }

  Complex operator()(int64_t k) const {
    return large_[static_cast<size_t>(k / coarse_)] * small_[static_cast<size_t>(k % coarse_)];
  }

 private:
  Complex turn(int64_t k) const {
    const auto angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n_);
    return {std::cos(angle), std::sin(angle)};
  }

  int64_t n_, coarse_;
  std::vector<Complex> small_, large_;
};

// (rows, columns) -> (columns, rows), in squares that stay in the cache. change(value, row, column).
template <class Change>
void transpose(const Complex* from, int64_t rows, int64_t columns, Complex* to, const Change& change) {
  for (int64_t row = 0; row < rows; row += kStripe)
    for (int64_t column = 0; column < columns; column += kStripe)
      for (auto r = row; r < std::min(row + kStripe, rows); r++)
        for (auto c = column; c < std::min(column + kStripe, columns); c++)
          to[c * rows + r] = change(from[r * columns + c], r, c);
}

at::Tensor shortTransforms(const at::Tensor& x, bool inverse) { return inverse ? at::fft_ifft(x) : at::fft_fft(x); }

}  // namespace

at::Tensor longTransform(const at::Tensor& x, bool inverse) {
  const auto rows = x.size(0), n = x.size(1), first = n > kLong ? factorOf(n) : 1, second = n / first;
  if (first == 1) return shortTransforms(x, inverse);
  const Turns turns(n);
  const auto same = [](Complex value, int64_t, int64_t) { return value; };
  const auto y = at::empty_like(x);
  const auto turned = at::empty({second, first}, x.options());
  for (int64_t row = 0; row < rows; row++) {
    // sample a * second + b, frequency c + d * first: over a for each b, turned by b c, then over b for each c
    transpose(x.const_data_ptr<Complex>() + row * n, first, second, turned.mutable_data_ptr<Complex>(), same);
    const auto over_first = shortTransforms(turned, inverse);  // (b, c)
    const auto between = at::empty({first, second}, x.options());
    transpose(over_first.const_data_ptr<Complex>(), second, first, between.mutable_data_ptr<Complex>(),
              [&](Complex value, int64_t b, int64_t c) {
                const auto turn = turns(b * c);
                return value * (inverse ? std::conj(turn) : turn);
              });
    const auto over_second = shortTransforms(between, inverse);  // (c, d)
    transpose(over_second.const_data_ptr<Complex>(), first, second, y.mutable_data_ptr<Complex>() + row * n, same);
  }
  return y;
}

}  // namespace eegtorch
