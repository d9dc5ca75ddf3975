#include "signal/short_time.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/stft.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/error.h"
#include "signal/check.h"
#include "signal/rows.h"
#include "signal/windows.h"

namespace eegtorch {

namespace {

// Segments of signals, and the way from one to its squared spectrum.
struct Plan {
  int64_t segment, hop, n_fft, count;
  bool detrend;
  at::Tensor window;  // (segment), times the root of what squared spectra are multiplied by

  int64_t bins() const { return n_fft / 2 + 1; }
  int64_t atOnce(const at::Tensor& x) const { return std::max<int64_t>(1, bufferSize(x) / n_fft); }

  // Segments from .. to of (rows, samples) -> complex (rows, to - from, bins).
  at::Tensor transform(const at::Tensor& rows, int64_t from, int64_t to) const {
    const auto samples = rows.narrow(-1, from * hop, (to - from - 1) * hop + segment);
    const auto segments = samples.unfold(-1, segment, hop);
    const auto tapered = detrend ? (segments - segments.mean(-1, true)).mul_(window) : segments * window;
    return at::fft_rfft(tapered, n_fft);
  }

  // Both signs of a frequency count, which zero and half the sampling rate do not have.
  void countBothSigns(at::Tensor power, int64_t axis) const {
    const auto twice = n_fft % 2 == 0 ? bins() - 2 : bins() - 1;
    if (twice > 0) power.narrow(axis, 1, twice).mul_(2);
  }
};

void checkSegments(const OptionCheck& check, int64_t samples, int64_t segment, int64_t overlap) {
  check.require(segment >= 1 && segment <= samples, "segment", "from 1 to the " + std::to_string(samples) + " samples",
                std::to_string(segment));
  check.require(overlap >= 0 && overlap < segment, "overlap", "from 0 to " + std::to_string(segment - 1),
                std::to_string(overlap));
}

Plan makePlan(const char* owner, const at::Tensor& x, const SegmentOptions& options) {
  checkSignal(owner, x);
  const OptionCheck check(owner);
  check.positive("sampling_rate", options.sampling_rate);
  checkSegments(check, x.size(-1), options.segment, options.overlap);
  check.require(options.n_fft >= options.segment && options.n_fft < int64_t(1) << 31, "n_fft",
                "at least the segment's " + std::to_string(options.segment), std::to_string(options.n_fft));
  const bool density = options.scaling == "density";
  check.require(density || options.scaling == "spectrum", "scaling", "density or spectrum", options.scaling);
  const auto window = makeWindow(owner, options.window, options.segment);
  const auto gain =
      density ? options.sampling_rate * window.square().sum().item<double>() : std::pow(window.sum().item<double>(), 2);
  const auto hop = options.segment - options.overlap;
  return {options.segment, hop,
          options.n_fft,   (x.size(-1) - options.segment) / hop + 1,
          options.detrend, (window / std::sqrt(gain)).to(x.options())};
}

at::Tensor flatRows(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

// Samples from .. from + count - 1, zero beyond both ends.
at::Tensor withZeros(const at::Tensor& rows, int64_t from, int64_t count) {
  const auto n = rows.size(-1);
  const auto first = std::clamp(from, int64_t{0}, n), last = std::clamp(from + count, first, n);
  const auto inside = rows.narrow(-1, first, last - first);
  if (last - first == count) return inside;
  const auto before = std::min(count, std::max<int64_t>(0, -from));
  return at::constant_pad_nd(inside, {before, count - before - (last - first)});
}

// Squared parts of complex (..., bins) -> (..., bins, 2), in the memory of the spectra.
at::Tensor squareParts(const at::Tensor& spectra) { return at::view_as_real(spectra).square_(); }

// (rows, samples) -> (rows, bins)
at::Tensor meanPower(const at::Tensor& rows, const Plan& plan) {
  auto total = at::zeros({rows.size(0), plan.bins(), 2}, rows.options());
  for (int64_t from = 0; from < plan.count; from += plan.atOnce(rows)) {
    const auto to = std::min(plan.count, from + plan.atOnce(rows));
    total.add_(squareParts(plan.transform(rows, from, to)).sum(1));
  }
  return total.sum(-1).div_(static_cast<double>(plan.count));
}

// (rows, samples) -> (rows, bins, segments), into `out`
void segmentPower(const at::Tensor& rows, const Plan& plan, const at::Tensor& out) {
  for (int64_t from = 0; from < plan.count; from += plan.atOnce(rows)) {
    const auto to = std::min(plan.count, from + plan.atOnce(rows));
    out.narrow(-1, from, to - from).copy_(squareParts(plan.transform(rows, from, to)).sum(-1).transpose(1, 2));
  }
}

// How much the median of `count` exponentially distributed values exceeds its limit (Allen et al. 2012, appendix B).
double medianBias(int64_t count) {
  double bias = 1;
  for (int64_t i = 2; i < count; i += 2) {
    const auto n = static_cast<double>(i);
    bias += 1 / (n + 1) - 1 / n;
  }
  return bias;
}

at::Tensor medianPower(const at::Tensor& rows, const Plan& plan) {
  auto power = at::empty({rows.size(0), plan.bins(), plan.count}, rows.options());
  segmentPower(rows, plan, power);
  const auto sorted = std::get<0>(power.sort(-1));
  const auto middle = sorted.select(-1, (plan.count - 1) / 2) + sorted.select(-1, plan.count / 2);
  return middle.div(2 * medianBias(plan.count));
}

}  // namespace

at::Tensor welch(const at::Tensor& x, const SegmentOptions& options, const std::string& average, int64_t first,
                 int64_t bins) {
  constexpr auto owner = "welch";
  const auto plan = makePlan(owner, x, options);
  const OptionCheck check(owner);
  check.require(average == "mean" || average == "median", "average", "mean or median", average);
  check.require(first >= 0 && bins >= 1 && first + bins <= plan.bins(), "bins",
                "some of the " + std::to_string(plan.bins()) + " frequencies", std::to_string(bins));
  const auto rows = flatRows(x);
  auto result = at::empty({rows.size(0), bins}, x.options());
  const auto elements = average == "mean" ? plan.n_fft : 2 * plan.n_fft * plan.count;
  overRows(x, rows.size(0), elements, [&](int64_t from, int64_t to) {
    const auto some = rows.narrow(0, from, to - from);
    auto power = average == "mean" ? meanPower(some, plan) : medianPower(some, plan);
    plan.countBothSigns(power, -1);
    result.narrow(0, from, to - from).copy_(power.narrow(-1, first, bins));
  });
  return result.reshape(shapeLike(x, 1, {bins}));
}

at::Tensor spectrogram(const at::Tensor& x, const SegmentOptions& options) {
  const auto plan = makePlan("spectrogram", x, options);
  const auto rows = flatRows(x);
  auto result = at::empty({rows.size(0), plan.bins(), plan.count}, x.options());
  overRows(x, rows.size(0), 2 * plan.n_fft * plan.atOnce(x), [&](int64_t from, int64_t to) {
    segmentPower(rows.narrow(0, from, to - from), plan, result.narrow(0, from, to - from));
  });
  plan.countBothSigns(result, 1);
  return result.reshape(shapeLike(x, 1, {plan.bins(), plan.count}));
}

at::Tensor shortTimeFourier(const at::Tensor& x, int64_t segment, int64_t overlap, const std::string& window) {
  constexpr auto owner = "stft";
  checkSignal(owner, x);
  checkSegments(OptionCheck(owner), x.size(-1), segment, overlap);
  const auto hop = segment - overlap;
  const auto taper = makeWindow(owner, window, segment);
  const auto beyond = segment / 2;
  const auto samples = x.size(-1) + 2 * beyond;
  const auto rest = (hop - (samples - segment) % hop) % hop;  // zeros that complete the last segment
  const Plan plan{
      segment, hop, segment, (samples + rest - segment) / hop + 1, false, (taper / taper.sum()).to(x.options())};
  const auto rows = flatRows(x.detach());
  auto result =
      at::empty({rows.size(0), plan.bins(), plan.count}, x.options().dtype(c10::toComplexType(x.scalar_type())));
  overRows(x, rows.size(0), 2 * plan.n_fft * plan.count, [&](int64_t from, int64_t to) {
    const auto some = rows.narrow(0, from, to - from);
    for (int64_t at = 0; at < plan.count; at += plan.atOnce(x)) {
      const auto end = std::min(plan.count, at + plan.atOnce(x));
      const auto piece = withZeros(some, at * hop - beyond, (end - at - 1) * hop + segment);
      result.narrow(0, from, to - from)
          .narrow(-1, at, end - at)
          .copy_(plan.transform(piece, 0, end - at).transpose(1, 2));
    }
  });
  return result.reshape(shapeLike(x, 1, {plan.bins(), plan.count}));
}

at::Tensor reflectedFourier(const at::Tensor& x, int64_t n_fft, int64_t hop) {
  constexpr auto owner = "torch_stft";
  checkSignal(owner, x);
  const OptionCheck check(owner);
  check.require(n_fft >= 2 && n_fft / 2 < x.size(-1), "n_fft",
                "from 2 to " + std::to_string(2 * x.size(-1) - 1) + ", for reflection needs half of it",
                std::to_string(n_fft));
  check.size("hop", hop);
  const auto window = at::hann_window(n_fft, x.options());
  const auto spectra = at::stft(flatRows(x), n_fft, hop, n_fft, window, /*center=*/true, "reflect",
                                /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
  return spectra.reshape(shapeLike(x, 1, {spectra.size(-2), spectra.size(-1)}));
}

at::Tensor spectrumImage(const at::Tensor& x, int64_t rows, int64_t columns, double floor) {
  constexpr auto owner = "stft_image";
  checkSignal(owner, x);
  const OptionCheck check(owner);
  check.require(rows >= 2 && columns >= 1 && rows < 1 << 20 && columns < 1 << 20, "size",
                "two rows and one column or more", std::to_string(rows) + " x " + std::to_string(columns));
  check.weight("floor", floor);
  const auto hop = x.size(-1) / columns;
  if (hop < 1 || hop * columns < rows)
    throw Error("SHAPE_MISMATCH", "stft_image: the signals are too short for images of this size",
                "(..., " + std::to_string(std::max(rows, columns)) + " samples or more)", showShape(x.sizes()), "size");
  // Centred segments stand at both ends: one more than there are moves.
  const auto spectra = reflectedFourier(x.narrow(-1, 0, hop * columns), 2 * (rows - 1), hop).narrow(-1, 0, columns);
  return at::view_as_real(spectra).square().sum(-1).add_(floor).log_();
}

}  // namespace eegtorch
