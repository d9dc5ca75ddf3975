#include "signal/split_transform.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/dispatch.h"

namespace eegtorch {

namespace {

using kernels::kPoint;
using kernels::kTogether;

constexpr auto kLanes = static_cast<int64_t>(kTogether), kPointSize = static_cast<int64_t>(kPoint);
constexpr std::array<int64_t, 7> kRadices = {4, 2, 3, 5, 7, 11, 13};

// Slots of a scratch.
enum : size_t { kTile, kOther, kBetween };

void append(std::vector<double>& numbers, int64_t k, int64_t n) {
  const auto angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  numbers.push_back(std::cos(angle));
  numbers.push_back(std::sin(angle));
}

// Radices whose product is n; none where another prime divides it.
std::vector<int64_t> radicesOf(int64_t n) {
  std::vector<int64_t> radices;
  for (const auto radix : kRadices)
    for (; n % radix == 0; n /= radix) radices.push_back(radix);
  if (n != 1) radices.clear();
  return radices;
}

// The factor of n nearest to its root; 1 where there is none.
int64_t factorOf(int64_t n) {
  for (auto factor = static_cast<int64_t>(std::sqrt(static_cast<double>(n))); factor >= kLanes; factor--)
    if (n % factor == 0) return factor;
  return 1;
}

int64_t groupsOf(int64_t n) { return (n + kLanes - 1) / kLanes; }

size_t together(int64_t n, int64_t from) { return static_cast<size_t>(std::min(kLanes, n - from)); }

}  // namespace

const kernels::FourierTable& fourierTable() {
  static const kernels::FourierTable& chosen =
      kernels::chooseTable(kernels::avx512Fourier, kernels::avx2Fourier, kernels::baselineFourier);
  return chosen;
}

double* Scratch::doubles(size_t slot, int64_t count) {
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  auto& memory = slots_[slot];
  if (!memory.defined() || memory.numel() < count) memory = at::empty({count}, at::kDouble);
  return memory.mutable_data_ptr<double>();
}

ShortTransforms::ShortTransforms(int64_t n) {
  int64_t rest = n, span = 1;
  for (const auto radix : radicesOf(n)) {
    Stage stage{radix, rest / radix, span, {}, {}};
    for (int64_t k = 0; k < radix; k++) append(stage.roots, k, radix);
    for (int64_t p = 0; p < stage.parts; p++)
      for (int64_t k = 1; k < radix; k++) append(stage.turns, p * k, rest);
    stages_.push_back(std::move(stage));
    rest /= radix;
    span *= radix;
  }
}

double* ShortTransforms::operator()(double* tile, double* other) const {
  for (const auto& stage : stages_) {
    fourierTable().stage({static_cast<size_t>(stage.radix), static_cast<size_t>(stage.parts),
                          static_cast<size_t>(stage.span), stage.turns.data(), stage.roots.data()},
                         tile, other);
    std::swap(tile, other);
  }
  return tile;
}

bool SplitTransform::splits(int64_t n) { return !radicesOf(n).empty() && factorOf(n) > 1; }

SplitTransform::SplitTransform(int64_t n)
    : first_(factorOf(n)), second_(n / first_), over_first_(first_), over_second_(second_) {
  own_.reserve(static_cast<size_t>(groupsOf(second_) * first_ * 2));
  for (int64_t b = 0; b < second_; b += kLanes)
    for (int64_t c = 0; c < first_; c++) append(own_, b * c, n);
  each_.resize(static_cast<size_t>(groupsOf(first_) * kLanes * kPointSize));
  std::vector<double> turn;
  for (int64_t c = 0; c < first_; c++)
    for (int64_t j = 0; j < kLanes; j++) {
      turn.clear();
      append(turn, c * j, n);
      each_[static_cast<size_t>(c * kPointSize + j)] = turn[0];
      each_[static_cast<size_t>(c * kPointSize + kLanes + j)] = turn[1];
    }
}

std::pair<double*, double*> SplitTransform::tiles(Scratch& scratch) const {
  const auto points = std::max(groupsOf(first_) * kLanes, second_) * kPointSize;
  return {scratch.doubles(kTile, points), scratch.doubles(kOther, points)};
}

void SplitTransform::operator()(double* x, bool inverse, Scratch& scratch) const {
  const auto [near, far] = tiles(scratch);
  const auto first = static_cast<size_t>(first_), second = static_cast<size_t>(second_);
  // (c / kTogether, b, kPoint)
  const auto stretch = groupsOf(second_) * kLanes * kPointSize;
  auto* middle = scratch.doubles(kBetween, groupsOf(first_) * stretch);
  for (int64_t b = 0; b < second_; b += kLanes) {
    fourierTable().gather(x + 2 * b, second, first, together(second_, b), inverse, near);
    const auto* from = over_first_(near, far);
    for (int64_t c = 0; c < first_; c += kLanes) {
      std::array<double, kPoint> turns{};
      std::copy_n(own(b) + 2 * c, 2 * together(first_, c), turns.begin());
      fourierTable().exchange(from + c * kPointSize, turns.data(), each_.data() + c * kPointSize,
                              middle + c / kLanes * stretch + b * kPointSize);
    }
  }
  const double scale = inverse ? 1 / static_cast<double>(first_ * second_) : 1;
  for (int64_t c = 0; c < first_; c += kLanes) {
    const auto* y = over_second_(middle + c / kLanes * stretch, near);
    fourierTable().scatter(y, second, together(first_, c), inverse, scale, x + 2 * c, first);
  }
}

// Over a for each b, turned afterwards; or back: turned before.
void SplitTransform::columns(double* re, double* im, int64_t row, bool back, Scratch& scratch) const {
  const auto [near, far] = tiles(scratch);
  const auto first = static_cast<size_t>(first_), apart = static_cast<size_t>(row);
  for (int64_t b = 0; b < second_; b += kLanes) {
    fourierTable().take(re + b, im + b, apart, first, together(second_, b), near);
    if (back) fourierTable().turn(first, own(b), each_.data(), near);
    auto* y = over_first_(near, far);
    if (!back) fourierTable().turn(first, own(b), each_.data(), y);
    fourierTable().give(y, first, together(second_, b), re + b, im + b, apart);
  }
}

// Over b for each c, and back. Where real and imaginary parts are exchanged, a transform is an inverse one.
void SplitTransform::rows(double* re, double* im, int64_t row, const Multiply& multiply, Scratch& scratch) const {
  const auto [near, far] = tiles(scratch);
  const auto second = static_cast<size_t>(second_), apart = static_cast<size_t>(row);
  for (int64_t c = 0; c < first_; c += kLanes) {
    const auto count = together(first_, c);
    fourierTable().takeRows(re + c * row, im + c * row, apart, second, count, near);
    auto* spectrum = over_second_(near, far);
    multiply(c, spectrum);
    const auto* y = over_second_(spectrum, spectrum == near ? far : near);
    fourierTable().giveRows(y, second, count, im + c * row, re + c * row, apart);
  }
}

void SplitTransform::convolve(double* re, double* im, int64_t row, const Multiply& multiply, Scratch& scratch) const {
  columns(re, im, row, false, scratch);
  rows(re, im, row, multiply, scratch);
  columns(im, re, row, true, scratch);
}

int64_t SplitTransform::distance() const {
  constexpr int64_t line = 64 / sizeof(double);
  return ((second_ + line - 1) / line | 1) * line;  // an odd number of lines
}

std::vector<double> SplitTransform::arranged(const double* spectrum) const {
  std::vector<double> tiles(static_cast<size_t>(groupsOf(first_) * second_ * kPointSize));
  for (int64_t c = 0; c < first_; c++)
    for (int64_t d = 0; d < second_; d++) {
      const auto point = static_cast<size_t>((c / kLanes * second_ + d) * kPointSize + c % kLanes);
      tiles[point] = spectrum[2 * (c + d * first_)];
      tiles[point + kTogether] = spectrum[2 * (c + d * first_) + 1];
    }
  return tiles;
}

SplitTransform::Multiply SplitTransform::product(const std::vector<double>& tiles) const {
  return [this, &tiles](int64_t c, double* tile) {
    fourierTable().multiply(static_cast<size_t>(second_), tiles.data() + c / kLanes * second_ * kPointSize, tile);
  };
}

}  // namespace eegtorch
