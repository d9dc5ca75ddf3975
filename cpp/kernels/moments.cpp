#include "kernels/moments.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t stretch = 256;  // products added as floats before the sum goes on in double

struct Shape {
  int64_t samples, taps, padding;

  int64_t outputs() const { return samples + 2 * padding - taps + 1; }
  int64_t seen() const { return std::min(samples, outputs() - padding); }  // samples under tap 0
  int64_t edge() const { return taps - 1 - padding; }                      // samples at each end that some taps miss
  // Doubles that a piece adds up: the sum under tap 0, its products with each lag, and products within each end.
  size_t sums() const { return 1 + taps + 2 * edge() * edge(); }
};

// Adds the products of the first (or last) `n` samples with each other: (n, n).
void addOuter(const float* x, int64_t n, double* to) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) to[i * n + j] += static_cast<double>(x[i]) * x[j];
}

// One row. Products are taken of x minus its mean, since float32 would lose the variance of a signal that rides on a
// large offset; the offset's part is put back in double.
void addRow(const float* x, const Shape& s, float* centred, float* lags, double* sums) {
  const auto& k = table();
  const auto mean = static_cast<float>(k.sum(x, s.samples) / static_cast<double>(s.samples));
  for (int64_t t = 0; t < s.samples; t++) centred[t] = x[t] - mean;
  const int64_t seen = s.seen();
  for (int64_t from = 0; from < seen; from += stretch) {
    const auto terms = static_cast<size_t>(std::min(stretch, seen - from));
    k.rows(1, s.taps, {1, terms, 0, 1}, centred + from, 0, centred + from, lags, 0, nullptr, false);
    for (int64_t d = 0; d < s.taps; d++) sums[1 + d] += static_cast<double>(lags[d]);
  }

  const double total = k.sum(centred, seen), m = mean;
  sums[0] += total + static_cast<double>(seen) * m;
  double skipped = 0, beyond = 0, missing = 0;  // before lag d, in [seen, seen + d), in the last terms that lag d loses
  for (int64_t d = 0; d < s.taps; d++) {
    const int64_t terms = std::min(seen, s.samples - d);
    const double left = total - missing, right = total - skipped + beyond;
    sums[1 + d] += m * (left + right) + static_cast<double>(terms) * m * m;
    skipped += centred[d];
    beyond += centred[seen + d];  // 0 past the end
    if (d + 1 > s.samples - seen) missing += centred[s.samples - d - 1];
  }
  double* head = sums + 1 + s.taps;
  addOuter(x, s.edge(), head);
  addOuter(x + s.samples - s.edge(), s.edge(), head + s.edge() * s.edge());
}

// second[i + 1][j + 1] is second[i][j] without its first term and with one more at the end.
void fillDiagonals(const Shape& s, const std::vector<double>& sums, LagMoments& moments) {
  const int64_t taps = s.taps, edge = s.edge();
  const double* head = sums.data() + 1 + taps;
  const double* tail = head + edge * edge;
  const auto leaving = [&](int64_t i, int64_t j) {
    return i < s.padding || j < s.padding ? 0. : head[(i - s.padding) * edge + (j - s.padding)];
  };
  const auto entering = [&](int64_t i, int64_t j) { return i < edge && j < edge ? tail[i * edge + j] : 0.; };
  auto& second = moments.second;
  for (int64_t d = 0; d < taps; d++) second[d] = second[d * taps] = sums[1 + d];
  for (int64_t i = 0; i + 1 < taps; i++)
    for (int64_t j = 0; j + 1 < taps; j++)
      second[(i + 1) * taps + j + 1] = second[i * taps + j] - leaving(i, j) + entering(i, j);
}

}  // namespace

LagMoments lagMoments(const float* x, int64_t rows, int64_t samples, int64_t taps, int64_t padding) {
  const Shape shape{samples, taps, padding};
  const Pieces pieces(rows);
  PartialSums<double> partial(pieces, shape.sums());
  PartialSums<double> ends(pieces, 2 * taps);  // samples near each end, summed: what taps after the first gain and lose
  pieces.run([&](int64_t piece, int64_t from, int64_t to) {
    std::vector<float> centred(samples + taps + 64), lags(taps);
    for (int64_t row = from; row < to; row++) {
      addRow(x + row * samples, shape, centred.data(), lags.data(), partial.of(piece));
      double* end = ends.of(piece);
      for (int64_t i = 0; i < shape.edge(); i++) {
        end[i] += x[row * samples + i];
        end[taps + i] += x[(row + 1) * samples - shape.edge() + i];
      }
    }
  });

  LagMoments moments{taps, rows * shape.outputs(), std::vector<double>(taps), std::vector<double>(taps * taps)};
  const auto sums = partial.total(), end = ends.total();
  moments.first[0] = sums[0];
  for (int64_t i = 0; i + 1 < taps; i++)
    moments.first[i + 1] =
        moments.first[i] - (i < padding ? 0. : end[i - padding]) + (i < shape.edge() ? end[taps + i] : 0.);
  fillDiagonals(shape, sums, moments);
  for (auto& value : moments.first) value /= static_cast<double>(moments.count);
  for (auto& value : moments.second) value /= static_cast<double>(moments.count);
  return moments;
}

double LagMoments::mean(const float* filter) const {
  double sum = 0;
  for (int64_t i = 0; i < taps; i++) sum += filter[i] * first[i];
  return sum;
}

std::vector<double> LagMoments::correlate(const float* filter) const {
  std::vector<double> result(taps);
  for (int64_t i = 0; i < taps; i++)
    for (int64_t j = 0; j < taps; j++) result[i] += second[i * taps + j] * filter[j];
  return result;
}

double LagMoments::variance(const float* filter) const {
  const auto correlated = correlate(filter);
  const double average = mean(filter);
  double square = 0;
  for (int64_t i = 0; i < taps; i++) square += filter[i] * correlated[i];
  return std::max(square - average * average, 0.);
}

}  // namespace eegtorch::kernels
