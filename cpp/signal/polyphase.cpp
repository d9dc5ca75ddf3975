#include "signal/polyphase.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/extension.h"
#include "signal/side_by_side.h"

namespace eegtorch {

namespace {

constexpr size_t kMost = kernels::kSideBySide;
constexpr int64_t kOutputs = 64;  // made of one tile

// The taps that meet samples when a sample of the result falls on each place between two of them, last tap first.
class Phases {
 public:
  Phases(const at::Tensor& taps, int64_t up, int64_t down, int64_t shift) : up_(up), down_(down), shift_(shift) {
    const auto* h = taps.const_data_ptr<double>();
    length_ = (taps.numel() + up - 1) / up;
    taps_.resize(static_cast<size_t>(up * length_));
    for (int64_t k = 0; k < taps.numel(); k++)
      taps_[static_cast<size_t>(k % up * length_ + length_ - 1 - k / up)] = h[k];
  }

  int64_t length() const { return length_; }
  // The samples that make sample m of the result: `length()` of them from this one.
  int64_t first(int64_t m) const { return (m * down_ + shift_) / up_ - length_ + 1; }
  const double* of(int64_t m) const { return taps_.data() + (m * down_ + shift_) % up_ * length_; }

 private:
  int64_t up_, down_, shift_, length_;
  std::vector<double> taps_;
};

// tile (count, kMost) = samples from, from + 1, ... of a group's extended signals.
template <class Number>
void gatherExtended(const SideBySide<const Number>& x, int64_t n, Extension extension, int64_t from, int64_t count,
                    double* tile) {
  const auto first = std::clamp(-from, int64_t{0}, count), last = std::clamp(n - from, first, count);
  if (last > first)
    x.gather(from + first, 1, static_cast<size_t>(last - first), tile + first * static_cast<int64_t>(kMost));
  const auto fill = [&](int64_t begin, int64_t end) {
    for (auto t = begin; t < end; t++)
      for (size_t s = 0; s < x.count(); s++)
        tile[t * static_cast<int64_t>(kMost) + static_cast<int64_t>(s)] = beyondEnds(extension, x.row(s), n, from + t);
  };
  fill(0, first);
  fill(last, count);
}

template <class Number>
void filterGroup(const SideBySide<const Number>& x, int64_t n, const SideBySide<Number>& y, int64_t outputs,
                 const Phases& phases, Extension extension) {
  const auto most = phases.first(kOutputs) - phases.first(0) + phases.length() + 1;
  std::vector<double> tile(static_cast<size_t>(most) * kMost), made(kOutputs * kMost);
  for (int64_t start = 0; start < outputs; start += kOutputs) {
    const auto count = std::min(kOutputs, outputs - start), from = phases.first(start);
    gatherExtended(x, n, extension, from, phases.first(start + count - 1) + phases.length() - from, tile.data());
    for (int64_t i = 0; i < count; i++)
      signalTable().dots(tile.data() + (phases.first(start + i) - from) * static_cast<int64_t>(kMost),
                         phases.of(start + i), static_cast<size_t>(phases.length()),
                         made.data() + i * static_cast<int64_t>(kMost));
    y.scatter(made.data(), start, 1, static_cast<size_t>(count));
  }
}

void checkTaps(const char* owner, const at::Tensor& taps) {
  OptionCheck(owner).require(taps.dim() == 1 && taps.numel() > 0 && taps.scalar_type() == at::kDouble, "taps",
                             "float64 (taps), at least one", showShape(taps.sizes()));
}

at::Tensor applied(const at::Tensor& x, const Phases& phases, int64_t outputs, Extension extension) {
  const auto input = x.detach().cpu().contiguous();
  const auto samples = x.size(-1);
  auto sizes = x.sizes().vec();
  sizes.back() = outputs;
  const auto y = at::empty(sizes, input.options());
  withNumber(x, [&]<class Number>() {
    forEachGroup(x.numel() / samples, [&](int64_t first, int64_t count) {
      const auto size = static_cast<size_t>(count);
      const SideBySide<const Number> from(input.const_data_ptr<Number>() + first * samples, size, samples);
      const SideBySide<Number> to(y.mutable_data_ptr<Number>() + first * outputs, size, outputs);
      filterGroup(from, samples, to, outputs, phases, extension);
    });
  });
  return y.to(x.device());
}

}  // namespace

at::Tensor polyphase(const at::Tensor& x, const at::Tensor& taps, int64_t up, int64_t down, int64_t shift,
                     const std::string& pad) {
  constexpr auto owner = "resample_poly";
  checkSignal(owner, x);
  checkTaps(owner, taps);
  OptionCheck(owner).size("up", up);
  OptionCheck(owner).size("down", down);
  OptionCheck(owner).require(shift >= 0, "shift", "0 or more", std::to_string(shift));
  const auto outputs = (x.size(-1) * up + down - 1) / down;
  return applied(x, Phases(taps.detach().cpu().contiguous(), up, down, shift), outputs, extensionFromName(owner, pad));
}

std::tuple<at::Tensor, at::Tensor> firCausal(const at::Tensor& x, const at::Tensor& taps,
                                             const std::optional<at::Tensor>& state) {
  constexpr auto owner = "fir_causal";
  checkSignal(owner, x);
  checkTaps(owner, taps);
  const auto overlap = taps.numel() - 1;
  auto sizes = x.sizes().vec();
  sizes.back() = overlap;
  auto before = at::zeros(sizes, x.options());
  if (state) {
    checkAlike(owner, *state, before);
    before = state->detach();
  }
  const auto whole = at::cat({before, x.detach()}, -1);
  const Phases phases(taps.detach().cpu().contiguous(), 1, 1, overlap);
  return {applied(whole, phases, x.size(-1), Extension::kConstant), whole.narrow(-1, x.size(-1), overlap).clone()};
}

}  // namespace eegtorch
