#include "signal/bad_channels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/check.h"
#include "signal/fast_length.h"
#include "signal/order_statistics.h"
#include "signal/rows.h"

namespace eegtorch {

namespace {

// Quartile range, and median deviation, of normally distributed values times these is their standard deviation.
constexpr double kFromQuartiles = 0.7413;
constexpr double kFromMedianDeviation = 1.4826;

constexpr double kPassBelow = 45;  // hertz, falling to nothing at kStopAbove
constexpr double kStopAbove = 50;
constexpr double kLeastRate = 100;
constexpr int64_t kOrder = 100;
constexpr int64_t kGrid = 512;  // frequencies that the filter is designed on
constexpr double kHighest = 0.98;

// Response of the low-pass at bin k of kGrid: 1, a cubic without slope at its ends, 0.
double responseAt(int64_t k, double sampling_rate) {
  const double pass = std::nearbyint(kGrid * 2 * kPassBelow / sampling_rate);
  const double stop = std::nearbyint(kGrid * 2 * kStopAbove / sampling_rate);
  if (static_cast<double>(k) <= pass) return 1;
  if (static_cast<double>(k) >= stop) return 0;
  const double t = (static_cast<double>(k) - pass) / (stop - pass);
  return 1 - t * t * (3 - 2 * t);
}

// The low-pass: that response by frequency sampling, under a Hamming window. (kOrder + 1), float64.
at::Tensor lowPass(double sampling_rate) {
  auto kernel = at::empty({kOrder + 1}, at::kDouble);
  auto* values = kernel.mutable_data_ptr<double>();
  for (int64_t i = 0; i <= kOrder; i++) {
    const auto distance = static_cast<double>(i) - kOrder / 2.;
    double sum = responseAt(0, sampling_rate) + responseAt(kGrid, sampling_rate) * std::cos(M_PI * distance);
    for (int64_t k = 1; k < kGrid; k++)
      sum += 2 * responseAt(k, sampling_rate) * std::cos(M_PI * static_cast<double>(k) * distance / kGrid);
    values[i] = sum / (2 * kGrid) * (0.54 - 0.46 * std::cos(2 * M_PI * static_cast<double>(i) / kOrder));
  }
  return kernel;
}

// The low-pass run both ways over some samples of (rows, samples), ends continued by their own mirror image through the
// last sample: scipy.signal.filtfilt(kernel, 1, x). Both ways are one multiplication by the squared magnitude of its
// response, and what lies further away than kOrder has no part in a sample.
class BothWays {
 public:
  BothWays(const at::Tensor& kernel, const at::Tensor& x, int64_t count)
      : count_(count), length_(fastLength(count + 4 * kOrder)) {
    const auto spectrum = at::fft_rfft(kernel, length_);
    gain_ = at::view_as_real(spectrum).square().sum(-1).to(x.options());
  }

  // The `count` samples behind `from`.
  at::Tensor operator()(const at::Tensor& x, int64_t from) const {
    const auto spectrum = at::fft_rfft(surroundings(x, from), length_).mul_(gain_);
    return at::fft_irfft(spectrum, length_).narrow(-1, kOrder, count_);
  }

 private:
  // With kOrder samples more at both ends.
  at::Tensor surroundings(const at::Tensor& x, int64_t from) const {
    const auto n = x.size(-1), to = from + count_;
    const auto before = std::max<int64_t>(0, kOrder - from), after = std::max<int64_t>(0, to + kOrder - n);
    const auto inside = x.narrow(-1, from - kOrder + before, count_ + 2 * kOrder - before - after);
    if (before + after == 0) return inside;
    const auto first = 2 * x.narrow(-1, 0, 1) - x.narrow(-1, 1, before).flip(-1);
    const auto last = 2 * x.narrow(-1, n - 1, 1) - x.narrow(-1, n - 1 - after, after).flip(-1);
    return at::cat({first, inside, last}, -1);
  }

  int64_t count_, length_;
  at::Tensor gain_;
};

at::Tensor robustScore(const at::Tensor& values, const at::Tensor& spread) {
  return (values - medianOf(values)) / spread;
}

// What rounding leaves of silence in a filtered channel: (channels).
at::Tensor silenceOf(const at::Tensor& filtered) {
  const double epsilon = filtered.scalar_type() == at::kFloat ? std::numeric_limits<float>::epsilon()
                                                              : std::numeric_limits<double>::epsilon();
  const auto [low, high] = at::aminmax(filtered, -1);
  return at::maximum(low.abs(), high.abs()) * (64 * epsilon);
}

// Each channel against the others within windows; a channel that is silent in one takes no part there. part(w) gives
// the window (channels, samples); silence (channels), correlation and dropout (channels, windows).
template <class Part>
void correlate(const Part& part, const at::Tensor& silence, int64_t window, at::Tensor& correlation,
               at::Tensor& dropout) {
  overRows(silence, correlation.size(1), window * silence.size(0), [&](int64_t from, int64_t to) {
    for (int64_t w = from; w < to; w++) {
      const auto own = part(w);
      const auto silent = medianDeviation(own) <= silence;
      dropout.select(1, w).copy_(silent);
      const auto heard = silent.logical_not().nonzero().squeeze(-1);
      auto highest = at::zeros({own.size(0)}, own.options());
      if (heard.numel() > 0) {
        auto centred = own.index_select(0, heard);
        centred.sub_(centred.mean(-1, true)).div_(centred.norm(2, -1, true));
        auto others = at::matmul(centred, centred.t()).abs_();
        others.fill_diagonal_(0);
        highest.index_copy_(0, heard, sampleQuantile(others, kHighest));
      }
      correlation.select(1, w).copy_(highest);
    }
  });
}

// The channels of a recording that can be judged, and their low-pass. What it gives is never held as a whole: it is
// made channel by channel, then window by window.
struct Judged {
  at::Tensor x;       // (channels, samples)
  at::Tensor usable;  // numbers of the channels
  bool filters;
  at::Tensor kernel;

  bool all() const { return usable.numel() == x.size(0); }
};

// Of each of them: (usable).
struct PerChannel {
  at::Tensor amplitude, noisiness, silence;
};

PerChannel judgeChannels(const Judged& judged) {
  const auto& x = judged.x;
  const auto count = judged.usable.numel(), samples = x.size(1);
  const auto rows = judged.usable.to(at::kCPU);
  const PerChannel found{at::empty({count}, x.options()), at::zeros({count}, x.options()),
                         at::empty({count}, x.options())};
  const BothWays low(judged.kernel, x, samples);
  overRows(x, count, samples * 4, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const auto row = x.narrow(0, judged.all() ? i : rows[i].item<int64_t>(), 1);
      found.amplitude.narrow(0, i, 1).copy_(quartileRange(row));
      const auto own = judged.filters ? low(row, 0) : row;
      found.silence.narrow(0, i, 1).copy_(silenceOf(own));
      if (judged.filters) found.noisiness.narrow(0, i, 1).copy_(medianDeviation(row - own) / medianDeviation(own));
    }
  });
  return found;
}

// Into the rows of the usable channels of `quality`.
void judgeWindows(const Judged& judged, const at::Tensor& silence, int64_t window, ChannelQuality& quality) {
  const auto &x = judged.x, &usable = judged.usable;
  auto correlation = at::empty({usable.numel(), quality.correlation.size(1)}, x.options());
  auto dropout = at::empty(correlation.sizes(), quality.dropout.options());
  const BothWays low(judged.kernel, x, window);
  const auto part = [&](int64_t w) {
    const auto own = judged.filters ? low(x, w * window) : x.narrow(-1, w * window, window);
    return judged.all() ? own : own.index_select(0, usable);
  };
  correlate(part, silence, window, correlation, dropout);
  quality.correlation.index_copy_(0, usable, correlation);
  quality.dropout.index_copy_(0, usable, dropout);
}

void check(const char* owner, const at::Tensor& x, double sampling_rate, int64_t window, double flat_below) {
  checkSignal(owner, x);
  if (x.dim() != 2 || x.size(0) == 0)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": a recording has another shape", "(channels, samples)",
                showShape(x.sizes()));
  const OptionCheck options(owner);
  options.positive("sampling_rate", sampling_rate);
  options.weight("flat_below", flat_below);
  options.require(window >= 2 && window <= x.size(-1), "window",
                  "from 2 to the " + std::to_string(x.size(-1)) + " samples", std::to_string(window));
  // three times the filter, as filtfilt asks
  if (x.size(-1) <= 3 * (kOrder + 1))
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": the recording is too short",
                "more than " + std::to_string(3 * (kOrder + 1)) + " samples", showShape(x.sizes()));
}

}  // namespace

ChannelQuality channelQuality(const at::Tensor& x, double sampling_rate, int64_t window, double flat_below) {
  constexpr auto owner = "channel_quality";
  check(owner, x, sampling_rate, window, flat_below);
  const auto channels = x.size(0), samples = x.size(1);
  const auto windows = std::max<int64_t>(0, (samples - 2) / window);
  ChannelQuality quality;
  // a sum shows what is not finite without a mask of the whole recording
  quality.not_a_number = x.sum(-1).isfinite().logical_not();
  quality.flat = (medianDeviation(x) < flat_below)
                     .logical_or_(x.std(-1, /*unbiased=*/false) < flat_below)
                     .logical_and_(quality.not_a_number.logical_not());
  quality.deviation = at::zeros({channels}, x.options());
  quality.noise = at::zeros({channels}, x.options());
  quality.correlation = at::ones({channels, windows}, x.options());
  quality.dropout = at::zeros({channels, windows}, x.options().dtype(at::kBool));
  const auto usable = quality.not_a_number.logical_or(quality.flat).logical_not_().nonzero().squeeze(-1);
  if (usable.numel() == 0) return quality;
  const Judged judged{x, usable, sampling_rate > kLeastRate, lowPass(sampling_rate)};
  const auto [amplitude, noisiness, silence] = judgeChannels(judged);
  quality.deviation.index_copy_(0, usable, robustScore(amplitude, quartileRange(amplitude) * kFromQuartiles));
  if (judged.filters)
    quality.noise.index_copy_(0, usable, robustScore(noisiness, medianDeviation(noisiness) * kFromMedianDeviation));
  judgeWindows(judged, silence, window, quality);
  return quality;
}

}  // namespace eegtorch
