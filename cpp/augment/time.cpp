// Augmentations along time.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include <map>

#include "augment/parts.h"

namespace eegtorch {
namespace {

// (time), counted in samples.
at::Tensor times(const at::Tensor& x) { return at::arange(x.size(2), x.options()); }

class TimeReverse : public ConfiguredAugmentation<AugmentationConfig> {
 public:
  explicit TimeReverse(const AugmentationConfig& config) : ConfiguredAugmentation(config, "time_reverse") {}

  at::Tensor apply(const at::Tensor& x, const Tensors&, const at::Tensor&) const override { return x.flip(2); }
};

struct SmoothTimeMaskConfig : AugmentationConfig {
  int64_t mask_len_samples = 100;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("mask_len_samples", mask_len_samples, "samples that go to zero");
  }
};

// Mohsenvand et al. 2020.
class SmoothTimeMask : public ConfiguredAugmentation<SmoothTimeMaskConfig> {
 public:
  explicit SmoothTimeMask(const SmoothTimeMaskConfig& config) : ConfiguredAugmentation(config, "smooth_time_mask") {
    options_.size("mask_len_samples", config.mask_len_samples);
  }

  void check(const at::Tensor& inputs) const override {
    options_.require(config_.mask_len_samples <= inputs.size(2), "mask_len_samples",
                     "at most the window's " + std::to_string(inputs.size(2)) + " samples",
                     std::to_string(config_.mask_len_samples));
  }

  // Where each mask starts, in samples.
  Tensors draw(const Examples& examples) const override {
    return {uniform({examples.chosen()}) * (examples.samples() - config_.mask_len_samples)};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const double steepness = 1000.0 / static_cast<double>(x.size(2));
    const at::Tensor since = times(x) - perExample(draws[0], x);
    return x * (at::sigmoid(since * -steepness) + at::sigmoid((since - config_.mask_len_samples) * steepness));
  }
};

struct MaskEncodingConfig : AugmentationConfig {
  double max_mask_ratio = 0.1;
  int64_t n_segments = 1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("max_mask_ratio", max_mask_ratio, "share of the window that goes to zero, where segments do not overlap");
    visit("n_segments", n_segments, "stretches that it is divided into");
  }
};

// Ding et al. 2024.
class MaskEncoding : public ConfiguredAugmentation<MaskEncodingConfig> {
 public:
  explicit MaskEncoding(const MaskEncodingConfig& config) : ConfiguredAugmentation(config, "mask_encoding") {
    options_.fraction("max_mask_ratio", config.max_mask_ratio);
    options_.size("n_segments", config.n_segments);
  }

  void check(const at::Tensor& inputs) const override {
    const int64_t length = segment(inputs.size(2));
    options_.require(length >= 1 && length < inputs.size(2), "max_mask_ratio",
                     "a share that leaves each segment a sample, and the window one",
                     std::to_string(config_.max_mask_ratio));
  }

  // First samples (chosen, segments).
  Tensors draw(const Examples& examples) const override {
    const int64_t starts = examples.samples() - segment(examples.samples());
    return {at::randint(starts, {examples.chosen(), config_.n_segments}, at::kLong)};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const at::Tensor since = at::arange(x.size(2), draws[0].options()) - draws[0].unsqueeze(2);
    const at::Tensor masked = since.ge(0).logical_and(since.lt(segment(x.size(2)))).any(1, /*keepdim=*/true);
    return x.masked_fill(masked, 0);
  }

 private:
  int64_t segment(int64_t samples) const {
    return static_cast<int64_t>(static_cast<double>(samples) * config_.max_mask_ratio / config_.n_segments);
  }
};

struct TimeShiftConfig : AugmentationConfig {
  int64_t max_shift_samples = 25;
  bool circular = true;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("max_shift_samples", max_shift_samples, "the furthest shift, to either side");
    visit("circular", circular, "what leaves the window comes in at the other end, where otherwise zeros do");
  }
};

// Mohsenvand et al. 2020.
class TimeShift : public ConfiguredAugmentation<TimeShiftConfig> {
 public:
  explicit TimeShift(const TimeShiftConfig& config) : ConfiguredAugmentation(config, "time_shift") {
    options_.size("max_shift_samples", config.max_shift_samples);
  }

  void check(const at::Tensor& inputs) const override {
    options_.require(config_.max_shift_samples < inputs.size(2), "max_shift_samples",
                     "less than the window's " + std::to_string(inputs.size(2)) + " samples",
                     std::to_string(config_.max_shift_samples));
  }

  // Samples to the right (chosen).
  Tensors draw(const Examples& examples) const override {
    return {at::randint(-config_.max_shift_samples, config_.max_shift_samples + 1, {examples.chosen()}, at::kLong)};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const at::Tensor from = at::arange(x.size(2), draws[0].options()) - draws[0].view({-1, 1, 1});
    const at::Tensor shifted = x.gather(2, from.remainder(x.size(2)).expand_as(x));
    if (config_.circular) return shifted;
    return shifted.masked_fill(from.lt(0).logical_or(from.ge(x.size(2))), 0);
  }
};

struct SegmentRecombinationConfig : AugmentationConfig {
  std::optional<int64_t> n_segments;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("n_segments", n_segments,
          "stretches that a window is put together from; null for the largest divisor of its length up to the root");
  }
};

// Lotte 2015: each stretch of time comes from some example of the batch that has the same label.
class SegmentRecombination : public ConfiguredAugmentation<SegmentRecombinationConfig> {
 public:
  explicit SegmentRecombination(const SegmentRecombinationConfig& config)
      : ConfiguredAugmentation(config, "segment_recombination") {
    if (config.n_segments) options_.size("n_segments", *config.n_segments);
  }

  void check(const at::Tensor& inputs) const override {
    options_.require(config_.n_segments.value_or(1) <= inputs.size(2), "n_segments",
                     "at most the window's " + std::to_string(inputs.size(2)) + " samples",
                     std::to_string(config_.n_segments.value_or(1)));
  }

  bool needsLabels() const override { return true; }

  // Row of the batch for each stretch (chosen, segments).
  Tensors draw(const Examples& examples) const override {
    const int64_t segments = segmentsOf(examples.samples());
    const at::Tensor chances = uniform({examples.chosen(), segments});
    const at::Tensor labels = examples.labels.to(at::kLong).contiguous();
    std::map<int64_t, std::vector<int64_t>> alike;
    for (int64_t row = 0; row < labels.size(0); row++) alike[labels.const_data_ptr<int64_t>()[row]].push_back(row);

    at::Tensor rows = at::zeros({examples.chosen(), segments}, at::kLong);
    for (int64_t i = 0; i < examples.chosen(); i++) {
      const auto& own = alike[labels.const_data_ptr<int64_t>()[examples.rows.const_data_ptr<int64_t>()[i]]];
      for (int64_t segment = 0; segment < segments; segment++) {
        const double chance = chances.const_data_ptr<double>()[i * segments + segment];
        rows.mutable_data_ptr<int64_t>()[i * segments + segment] =
            own[static_cast<size_t>(chance * static_cast<double>(own.size()))];
      }
    }
    return {rows};
  }

  // The last stretch is the longest where the window cannot be divided evenly.
  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor& batch) const override {
    const int64_t samples = x.size(2), segments = draws[0].size(1), length = samples / segments;
    const at::Tensor segment = at::arange(samples, draws[0].options()).floor_divide(length).clamp_max(segments - 1);
    const at::Tensor rows = draws[0].index_select(1, segment).unsqueeze(1);  // (chosen, 1, time)
    return batch.gather(0, rows.expand_as(x));
  }

 private:
  int64_t segmentsOf(int64_t samples) const {
    if (config_.n_segments) return *config_.n_segments;
    int64_t largest = 1;
    for (int64_t n = 2; n * n <= samples; n++)
      if (samples % n == 0) largest = n;
    return largest;
  }
};

}  // namespace

AugmentationEntry timeReverse() {
  return augmentationEntry<TimeReverse, AugmentationConfig>("time_reverse", "windows that run backwards");
}
AugmentationEntry smoothTimeMask() {
  return augmentationEntry<SmoothTimeMask, SmoothTimeMaskConfig>(
      "smooth_time_mask", "a stretch of all channels fades to zero (Mohsenvand et al. 2020)");
}
AugmentationEntry maskEncoding() {
  return augmentationEntry<MaskEncoding, MaskEncodingConfig>("mask_encoding",
                                                             "stretches of all channels are zero (Ding et al. 2024)");
}
AugmentationEntry timeShift() {
  return augmentationEntry<TimeShift, TimeShiftConfig>("time_shift",
                                                       "all channels move in time (Mohsenvand et al. 2020)");
}
AugmentationEntry segmentRecombination() {
  return augmentationEntry<SegmentRecombination, SegmentRecombinationConfig>(
      "segment_recombination", "windows put together from stretches of others of their class (Lotte 2015)");
}

}  // namespace eegtorch
