#include "signal/fir.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "signal/check.h"
#include "signal/extension.h"
#include "signal/side_by_side.h"

namespace eegtorch {

namespace {

// Samples, and pieces, transformed at once: they stay in the cache, and a lone transform would take a slower way in
// MKL.
constexpr int64_t kBatch = 1 << 16, kLeastPieces = 4;

// Samples of a piece: the power of two of least work per sample of the result.
int64_t pieceLength(int64_t taps, int64_t samples) {
  const auto work = [&](int64_t length) {
    const auto pieces = (samples + length - taps) / (length - taps + 1);
    return static_cast<double>(pieces * length) * (std::log2(static_cast<double>(length)) + 4);
  };
  int64_t best = 16;
  while (best < 2 * taps) best *= 2;
  for (auto length = 2 * best; length <= 16 * best && length <= std::max(best, 2 * (samples + taps)); length *= 2)
    if (work(length) < work(best)) best = length;
  return best;
}

// How a recording is cut: the result of piece p begins at p * hop and needs `overlap` samples before it.
struct Plan {
  int64_t samples, taps, shift, reach, length;

  int64_t overlap() const { return taps - 1; }
  int64_t hop() const { return length - overlap(); }
  int64_t pieces() const { return (samples + hop() - 1) / hop(); }
  int64_t piecesAtOnce() const { return std::min(std::max(kBatch / length, kLeastPieces), pieces()); }
  int64_t batches() const { return (pieces() + piecesAtOnce() - 1) / piecesAtOnce(); }
};

// The extended signal reaches `reach` samples beyond each end, at most one less than it is long.
template <class Number>
void copyPiece(const Plan& plan, const Number* x, int64_t from, double* out) {
  const auto reach = std::min(plan.reach, plan.samples - 1);
  const auto first = std::clamp(-reach - from, int64_t{0}, plan.length);
  const auto last = std::clamp(plan.samples + reach - from, first, plan.length);
  std::fill(out, out + first, 0.);
  copyExtended(Extension::kOdd, x, plan.samples, from + first, last - first, out + first);
  std::fill(out + last, out + plan.length, 0.);
}

// Some pieces of one signal. response: the transform of the taps (length / 2 + 1).
template <class Number>
void filterBatch(const Plan& plan, const at::Tensor& response, const Number* x, Number* y, int64_t batch) {
  const auto first = batch * plan.piecesAtOnce();
  const auto count = std::min(plan.piecesAtOnce(), plan.pieces() - first);
  const auto pieces = at::empty({count, plan.length}, response.options().dtype(at::kDouble));
  for (int64_t p = 0; p < count; p++)
    copyPiece(plan, x, (first + p) * plan.hop() + plan.shift - plan.overlap(),
              pieces.mutable_data_ptr<double>() + p * plan.length);
  auto spectra = at::fft_rfft(pieces);  // (count, length / 2 + 1)
  spectra.mul_(response);
  const auto filtered = at::fft_irfft(spectra, plan.length);
  for (int64_t p = 0; p < count; p++) {
    const auto start = (first + p) * plan.hop();
    const auto* from = filtered.const_data_ptr<double>() + p * plan.length + plan.overlap();
    std::copy_n(from, std::min(plan.hop(), plan.samples - start), y + start);
  }
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
  const auto response = at::fft_rfft(taps.detach().cpu(), plan.length);
  auto y = at::empty_like(input);
  withNumber(x, [&]<class Number>() {
    at::parallel_for(0, x.numel() / samples * plan.batches(), 1, [&](int64_t from, int64_t to) {
      for (auto task = from; task < to; task++) {
        const auto start = task / plan.batches() * samples;
        filterBatch(plan, response, input.const_data_ptr<Number>() + start, y.mutable_data_ptr<Number>() + start,
                    task % plan.batches());
      }
    });
  });
  return y.to(x.device());
}

}  // namespace eegtorch
