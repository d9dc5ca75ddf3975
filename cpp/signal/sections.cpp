#include "signal/sections.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/check.h"
#include "signal/check.h"
#include "signal/side_by_side.h"
#include "signal/tiles.h"

namespace eegtorch {

namespace {

constexpr size_t kMost = kernels::kSideBySide;
using Sections = std::vector<kernels::Section>;

Sections readSections(const char* owner, at::ArrayRef<double> sos) {
  OptionCheck(owner).require(!sos.empty() && sos.size() % 6 == 0, "sos", "six numbers for each section",
                             std::to_string(sos.size()) + " numbers");
  Sections sections;
  for (size_t i = 0; i < sos.size(); i += 6) {
    OptionCheck(owner).require(sos[i + 3] == 1, "sos", "a0 = 1 in each section", std::to_string(sos[i + 3]));
    sections.push_back({sos[i], sos[i + 1], sos[i + 2], sos[i + 4], sos[i + 5]});
  }
  return sections;
}

// Filters tiles of one group in turn.
class Runner {
 public:
  explicit Runner(const Sections& sections)
      : sections_(sections), tile_(kTile * kMost), state_(2 * sections.size() * kMost) {}

  double* tile() { return tile_.data(); }
  // Of signal s: first and second number of each section.
  double& state(size_t number, size_t s) { return state_[number * kMost + s]; }

  void filterTile(size_t samples) {
    signalTable().sections(tile(), samples, sections_.data(), sections_.size(), state_.data());
  }

  void startSteady(at::ArrayRef<double> steady, size_t count) {
    for (size_t number = 0; number < steady.size(); number++)
      for (size_t s = 0; s < count; s++) state(number, s) = steady[number] * tile_[s];
  }

 private:
  const Sections& sections_;
  std::vector<double> tile_, state_;
};

template <class Number>
void filterOnce(const SideBySide<const Number>& x, const SideBySide<Number>& y, int64_t samples, Runner& runner) {
  forEachTile(samples, [&](int64_t start, size_t n) {
    x.gather(start, 1, n, runner.tile());
    runner.filterTile(n);
    y.scatter(runner.tile(), start, 1, n);
  });
}

// A group filtered forward and backward. What lies beyond the end is kept between the passes; what lies before the
// start only moves the state.
template <class Number>
class BothWays {
 public:
  BothWays(const SideBySide<const Number>& x, const SideBySide<Number>& y, int64_t samples, int64_t padding,
           const Sections& sections)
      : x_(x), y_(y), samples_(samples), padding_(padding), runner_(sections), beyond_(padding * kMost) {}

  void run(at::ArrayRef<double> steady) {
    forward(steady);
    backward(steady);
  }

 private:
  void forward(at::ArrayRef<double> steady) {
    for (size_t s = 0; s < x_.count(); s++) runner_.tile()[s] = turned(s, 0, padding_);
    runner_.startSteady(steady, x_.count());
    forEachTile(padding_, [&](int64_t start, size_t n) {
      fill(n, [&](size_t s, size_t t) { return turned(s, 0, padding_ - start - static_cast<int64_t>(t)); });
      runner_.filterTile(n);
    });
    filterOnce(x_, y_, samples_, runner_);
    forEachTile(padding_, [&](int64_t start, size_t n) {
      fill(n, [&](size_t s, size_t t) { return turned(s, samples_ - 1, -1 - start - static_cast<int64_t>(t)); });
      runner_.filterTile(n);
      std::copy_n(runner_.tile(), n * kMost, beyond_.data() + start * static_cast<int64_t>(kMost));
    });
  }

  void backward(at::ArrayRef<double> steady) {
    if (padding_ > 0)
      std::copy_n(beyond_.data() + (padding_ - 1) * static_cast<int64_t>(kMost), kMost, runner_.tile());
    else
      y_.gather(samples_ - 1, 1, 1, runner_.tile());
    runner_.startSteady(steady, x_.count());
    forEachTile(padding_, [&](int64_t start, size_t n) {
      fill(n, [&](size_t s, size_t t) {
        return beyond_[static_cast<size_t>(padding_ - 1 - start - static_cast<int64_t>(t)) * kMost + s];
      });
      runner_.filterTile(n);
    });
    forEachTile(samples_, [&](int64_t start, size_t n) {
      y_.gather(samples_ - 1 - start, -1, n, runner_.tile());
      runner_.filterTile(n);
      y_.scatter(runner_.tile(), samples_ - 1 - start, -1, n);
    });
  }

  // The sample at `distance` from `end`, seen through that end.
  double turned(size_t s, int64_t end, int64_t distance) const {
    const Number* row = x_.row(s);
    return 2 * static_cast<double>(row[end]) - static_cast<double>(row[end + distance]);
  }

  template <class Value>
  void fill(size_t samples, const Value& value) {
    for (size_t t = 0; t < samples; t++)
      for (size_t s = 0; s < x_.count(); s++) runner_.tile()[t * kMost + s] = value(s, t);
  }

  const SideBySide<const Number>& x_;
  const SideBySide<Number>& y_;
  const int64_t samples_, padding_;
  Runner runner_;
  std::vector<double> beyond_;
};

at::Tensor onCpu(const at::Tensor& x) { return x.detach().cpu().contiguous(); }

// (..., sections, 2)
at::Tensor stateLike(const at::Tensor& x, size_t sections) {
  auto sizes = x.sizes().vec();
  sizes.back() = static_cast<int64_t>(sections);
  sizes.push_back(2);
  return at::zeros(sizes, at::kDouble);
}

at::Tensor startingState(const char* owner, const std::optional<at::Tensor>& given, const at::Tensor& rest) {
  if (!given) return rest;
  checkAlike(owner, *given, rest);
  return given->detach().clone(at::MemoryFormat::Contiguous);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> sosfilt(const at::Tensor& x, at::ArrayRef<double> sos,
                                           const std::optional<at::Tensor>& given) {
  constexpr auto owner = "sosfilt";
  checkSignal(owner, x);
  const auto sections = readSections(owner, sos);
  const auto input = onCpu(x);
  auto state = startingState(owner, given, stateLike(x, sections.size()));
  auto y = at::empty_like(input);
  const auto samples = x.size(-1), numbers = static_cast<int64_t>(2 * sections.size());
  withNumber(x, [&]<class Number>() {
    forEachGroup(x.numel() / samples, [&](int64_t first, int64_t count) {
      Runner runner(sections);
      double* kept = state.data_ptr<double>() + first * numbers;
      const auto size = static_cast<size_t>(count);
      for (int64_t i = 0; i < count * numbers; i++) runner.state(i % numbers, i / numbers) = kept[i];
      const SideBySide<const Number> from(input.const_data_ptr<Number>() + first * samples, size, samples);
      const SideBySide<Number> to(y.mutable_data_ptr<Number>() + first * samples, size, samples);
      filterOnce(from, to, samples, runner);
      for (int64_t i = 0; i < count * numbers; i++) kept[i] = runner.state(i % numbers, i / numbers);
    });
  });
  return {y.to(x.device()), state};
}

at::Tensor sosfiltfilt(const at::Tensor& x, at::ArrayRef<double> sos, at::ArrayRef<double> steady, int64_t padding) {
  constexpr auto owner = "sosfiltfilt";
  checkSignal(owner, x);
  const auto sections = readSections(owner, sos);
  OptionCheck(owner).require(steady.size() == 2 * sections.size(), "steady", "two numbers for each section",
                             std::to_string(steady.size()) + " numbers");
  OptionCheck(owner).require(padding >= 0, "padding", "0 or more", std::to_string(padding));
  const auto input = onCpu(x);
  auto y = at::empty_like(input);
  const auto samples = x.size(-1), padded = std::min(padding, samples - 1);
  withNumber(x, [&]<class Number>() {
    forEachGroup(x.numel() / samples, [&](int64_t first, int64_t count) {
      const auto size = static_cast<size_t>(count);
      const SideBySide<const Number> from(input.const_data_ptr<Number>() + first * samples, size, samples);
      const SideBySide<Number> to(y.mutable_data_ptr<Number>() + first * samples, size, samples);
      BothWays<Number>(from, to, samples, padded, sections).run(steady);
    });
  });
  return y.to(x.device());
}

}  // namespace eegtorch
