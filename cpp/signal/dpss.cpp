#include "signal/dpss.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/view_as_real.h>

#include <cmath>
#include <limits>
#include <vector>

#include "signal/fast_length.h"

namespace eegtorch {

namespace {

// The sequences are eigenvectors of a tridiagonal matrix (Slepian 1978, equation 11). Up to a constant it is the
// Laplacian of a chain whose link i weighs i (n - i) / 2, whose eigenvalues are k (k + 1) / 2, plus a small diagonal
// `hill`. Its pivots are kept as what they exceed the next link by, so that nothing cancels however long the chain is.
class Chain {
 public:
  Chain(int64_t length, double half_bandwidth) : n_(length), hill_(length) {
    const double sine = std::sin(M_PI * half_bandwidth / static_cast<double>(length));
    for (int64_t i = 0; i < n_; i++) {
      const double x = (static_cast<double>(n_ - 1) - 2 * static_cast<double>(i)) / 2;
      hill_[i] = 2 * sine * sine * x * x;
    }
  }

  // The k-th smallest eigenvalue's sequence, of norm 1.
  void sequence(int64_t k, double* result) const {
    const double shift = eigenvalue(k);
    std::vector<double> excess(n_);
    factorise(shift, excess);
    // A start without symmetry, so that it holds something of every sequence.
    for (int64_t i = 0; i < n_; i++)
      result[i] = std::cos(static_cast<double>(k) * M_PI * (i + 0.5) / n_) + 1e-3 * i / n_;
    for (int turn = 0; turn < kTurns; turn++) {
      solve(excess, result);
      normalise(result);
    }
  }

 private:
  static constexpr int kTurns = 4;       // of inverse iteration, each of which divides the error by 10^4 or more
  static constexpr double kNear = 1e-5;  // how near an eigenvalue is found before it

  double link(int64_t i) const { return static_cast<double>(i) * static_cast<double>(n_ - i) / 2; }

  // Pivot i of the matrix minus `shift` is link(i + 1) + excess[i]. Returns how many are negative: as many as there are
  // eigenvalues below the shift.
  int64_t factorise(double shift, std::vector<double>& excess) const {
    int64_t negative = 0;
    double previous = 0;
    for (int64_t i = 0; i < n_; i++) {
      const double weight = link(i);
      double pivot = weight + previous;
      if (i > 0 && pivot == 0) pivot = std::numeric_limits<double>::min();
      previous = hill_[i] - shift + (i == 0 ? 0 : weight * (previous / pivot));
      excess[i] = previous;
      negative += link(i + 1) + previous < 0;
    }
    return negative;
  }

  double eigenvalue(int64_t k) const {
    // Weyl: the hill moves an eigenvalue of the chain up by no more than its own height.
    double low = static_cast<double>(k) * static_cast<double>(k + 1) / 2, high = low + hill_[0];
    low -= 1, high += 1;
    std::vector<double> excess(n_);
    while (high - low > kNear) {
      const double middle = (low + high) / 2;
      (factorise(middle, excess) > k ? high : low) = middle;
    }
    return (low + high) / 2;
  }

  void solve(const std::vector<double>& excess, double* v) const {
    const auto pivot = [&](int64_t i) {
      const double value = link(i + 1) + excess[i];
      return value == 0 ? std::numeric_limits<double>::min() : value;
    };
    for (int64_t i = 1; i < n_; i++) v[i] += v[i - 1] * (link(i) / pivot(i - 1));
    v[n_ - 1] /= pivot(n_ - 1);
    for (int64_t i = n_ - 2; i >= 0; i--) v[i] = (v[i] + link(i + 1) * v[i + 1]) / pivot(i);
  }

  void normalise(double* v) const {
    double largest = 0, square = 0;
    for (int64_t i = 0; i < n_; i++) largest = std::max(largest, std::abs(v[i]));
    for (int64_t i = 0; i < n_; i++) square += (v[i] / largest) * (v[i] / largest);
    const double scale = 1 / (largest * std::sqrt(square));
    for (int64_t i = 0; i < n_; i++) v[i] *= scale;
  }

  int64_t n_;
  std::vector<double> hill_;
};

// Percival and Walden 1993, page 379: symmetric sequences have a positive mean, others begin with a positive lobe.
void chooseSign(int64_t k, int64_t length, double* v) {
  const double noise = std::max(1e-7, 1. / static_cast<double>(length));
  double sum = 0;
  for (int64_t i = 0; i < length; i++) {
    if (k % 2 == 0) sum += v[i];
    if (k % 2 == 1 && v[i] * v[i] > noise) {
      sum = v[i];
      break;
    }
  }
  if (sum < 0)
    for (int64_t i = 0; i < length; i++) v[i] = -v[i];
}

// Energy within the band, from the autocorrelation (Percival and Walden 1993, page 390).
at::Tensor concentrations(const at::Tensor& tapers, double half_bandwidth) {
  const auto n = tapers.size(-1), padded = fastLength(2 * n - 1);
  auto kernel = at::empty({n}, at::kDouble);
  auto* values = kernel.mutable_data_ptr<double>();
  const double width = half_bandwidth / static_cast<double>(n);
  values[0] = 2 * width;
  for (int64_t i = 1; i < n; i++) values[i] = 2 * std::sin(2 * M_PI * width * i) / (M_PI * i);
  // one at a time, for a long taper's transform is several times as large as it
  auto result = at::empty({tapers.size(0)}, at::kDouble);
  for (int64_t k = 0; k < tapers.size(0); k++) {
    auto power = at::view_as_real(at::fft_rfft(tapers[k], padded)).square_().sum(-1);
    const auto correlation = at::fft_irfft(power, padded).narrow(-1, 0, n);
    result[k].copy_(at::dot(correlation, kernel));
  }
  return result;
}

}  // namespace

std::pair<at::Tensor, at::Tensor> prolateTapers(int64_t length, double half_bandwidth, int64_t count) {
  if (length == 1) return {at::full({1, 1}, 1., at::kDouble), at::full({1}, 1., at::kDouble)};
  // A periodic taper is one sample longer, without its last.
  const auto whole = length + 1;
  auto tapers = at::empty({count, whole}, at::kDouble);
  auto* values = tapers.mutable_data_ptr<double>();
  const Chain chain(whole, half_bandwidth);
  at::parallel_for(0, count, 1, [&](int64_t from, int64_t to) {
    for (int64_t k = from; k < to; k++) {
      chain.sequence(k, values + k * whole);
      chooseSign(k, whole, values + k * whole);
    }
  });
  return {tapers.narrow(-1, 0, length).contiguous(), concentrations(tapers, half_bandwidth)};
}

}  // namespace eegtorch
