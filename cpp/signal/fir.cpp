#include "signal/fir.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/extension.h"
#include "signal/side_by_side.h"
#include "signal/split_transform.h"

namespace eegtorch {

namespace {

constexpr size_t kPieces = Scratch::kOwn;  // slot of a scratch

// Two pieces of this length and what is worked in beside them stay in the cache. Longer ones would save few operations.
constexpr int64_t kCachedPiece = 1 << 15;

// Samples of a piece: the power of two of least work per sample of the result.
int64_t pieceLength(int64_t taps, int64_t samples) {
  const auto work = [&](int64_t length) {
    const auto pieces = (samples + length - taps) / (length - taps + 1);
    return static_cast<double>(pieces * length) * (std::log2(static_cast<double>(length)) + 4);
  };
  int64_t best = 64;
  while (best < 2 * taps) best *= 2;
  const auto longest = std::min(std::max(kCachedPiece, 2 * best), 2 * (samples + taps));
  for (auto length = 2 * best; length <= longest; length *= 2)
    if (work(length) < work(best)) best = length;
  return best;
}

// How a signal is cut: the result of piece p begins at p * hop and needs `overlap` samples before it.
struct Plan {
  int64_t samples, taps, shift, reach, length;

  int64_t overlap() const { return taps - 1; }
  int64_t hop() const { return length - overlap(); }
  int64_t pieces() const { return (samples + hop() - 1) / hop(); }
};

// A piece of one of several signals.
struct Piece {
  int64_t signal, first;  // sample of the result

  Piece(const Plan& plan, int64_t number)
      : signal(number / plan.pieces()), first(number % plan.pieces() * plan.hop()) {}
};

// out[k] = sample from + k of the extended signal, which reaches `reach` samples beyond each end, at most one less than
// it is long.
template <class Number>
void copyPart(const Plan& plan, const Number* x, int64_t from, int64_t count, double* out) {
  const auto reach = std::min(plan.reach, plan.samples - 1);
  const auto first = std::clamp(-reach - from, int64_t{0}, count);
  const auto last = std::clamp(plan.samples + reach - from, first, count);
  std::fill(out, out + first, 0.);
  copyExtended(Extension::kOdd, x, plan.samples, from + first, last - first, out + first);
  std::fill(out + last, out + count, 0.);
}

// The transform of the taps, as tiles, over the length: a convolution multiplies by it.
std::vector<double> responseOf(const at::Tensor& taps, const SplitTransform& transform, int64_t length) {
  std::vector<double> numbers(static_cast<size_t>(2 * length));
  for (int64_t k = 0; k < taps.numel(); k++)
    numbers[static_cast<size_t>(2 * k)] = taps.const_data_ptr<double>()[k] / static_cast<double>(length);
  Scratch scratch;
  transform(numbers.data(), false, scratch);
  return transform.arranged(numbers.data());
}

// Writes a piece in rows as `transform` takes them, brought to size 1, so that beside another its rounding drowns
// nothing, and 0 where a number is not finite. Returns the factor that undoes it, NaN in the latter case.
template <class Number>
double writePiece(const Plan& plan, const SplitTransform& transform, const Number* x, const Piece& piece, double* out) {
  const auto width = transform.second(), distance = transform.distance();
  const auto from = piece.first + plan.shift - plan.overlap();
  for (int64_t row = 0; row < transform.first(); row++) {
    auto* own = out + row * distance;
    copyPart(plan, x + piece.signal * plan.samples, from + row * width, width, own);
    std::fill(own + width, own + distance, 0.);
  }
  return fourierTable().normalise(out, static_cast<size_t>(transform.first() * distance));
}

// The result of a piece out of its rows.
template <class Number>
void readPiece(const Plan& plan, const SplitTransform& transform, const double* rows, double factor, const Piece& piece,
               Number* y) {
  const auto width = transform.second();
  const auto end = plan.overlap() + std::min(plan.hop(), plan.samples - piece.first);
  auto* to = y + piece.signal * plan.samples + piece.first;
  for (auto k = plan.overlap(); k < end;) {
    const auto* from = rows + k / width * transform.distance() + k % width;
    const auto count = std::min(end - k, width - k % width);
    for (int64_t i = 0; i < count; i++) to[i] = static_cast<Number>(factor * from[i]);
    k += count;
    to += count;
  }
}

// Pieces number .. last - 1, two at most.
template <class Number>
void filterPieces(const Plan& plan, const SplitTransform& transform, const SplitTransform::Multiply& response,
                  const Number* x, int64_t number, int64_t last, Number* y, Scratch& scratch) {
  const auto size = transform.first() * transform.distance();
  auto* rows = scratch.doubles(kPieces, 2 * size);
  double factors[2] = {};
  for (int64_t i = 0; i < 2; i++) {
    if (number + i < last)
      factors[i] = writePiece(plan, transform, x, Piece(plan, number + i), rows + i * size);
    else
      std::fill_n(rows + i * size, size, 0.);
  }
  transform.convolve(rows, rows + size, transform.distance(), response, scratch);
  for (int64_t i = 0; number + i < last; i++)
    readPiece(plan, transform, rows + i * size, factors[i], Piece(plan, number + i), y);
}

}  // namespace

at::Tensor firFilter(const at::Tensor& x, const at::Tensor& taps, int64_t shift, int64_t reach) {
  constexpr auto owner = "fir_filter";
  checkSignal(owner, x);
  OptionCheck(owner).require(taps.dim() == 1 && taps.numel() > 0 && taps.scalar_type() == at::kDouble, "taps",
                             "float64 (taps), at least one", showShape(taps.sizes()));
  OptionCheck(owner).require(shift >= 0 && shift < taps.numel(), "shift",
                             "from 0 to " + std::to_string(taps.numel() - 1), std::to_string(shift));
  OptionCheck(owner).require(reach >= 0, "reach", "0 or more", std::to_string(reach));
  const auto samples = x.size(-1);
  const Plan plan{samples, taps.numel(), shift, reach, pieceLength(taps.numel(), samples)};
  const auto input = x.detach().cpu().contiguous();
  const SplitTransform transform(plan.length);
  const auto tiles = responseOf(taps.detach().cpu().contiguous(), transform, plan.length);
  const auto response = transform.product(tiles);
  auto y = at::empty_like(input);
  const auto pieces = x.numel() / samples * plan.pieces();
  withNumber(x, [&]<class Number>() {
    at::parallel_for(0, (pieces + 1) / 2, 1, [&](int64_t from, int64_t to) {
      Scratch scratch;
      for (auto number = 2 * from; number < std::min(2 * to, pieces); number += 2)
        filterPieces(plan, transform, response, input.const_data_ptr<Number>(), number, std::min(number + 2, pieces),
                     y.mutable_data_ptr<Number>(), scratch);
    });
  });
  return y.to(x.device());
}

}  // namespace eegtorch
