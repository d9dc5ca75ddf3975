// Augmentations of channels and amplitudes.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "augment/parts.h"

namespace eegtorch {
namespace {

class SignFlip : public ConfiguredAugmentation<AugmentationConfig> {
 public:
  explicit SignFlip(const AugmentationConfig& config) : ConfiguredAugmentation(config, "sign_flip") {}

  at::Tensor apply(const at::Tensor& x, const Tensors&, const at::Tensor&) const override { return x.neg(); }
};

struct ChannelsDropoutConfig : AugmentationConfig {
  double p_drop = 0.2;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("p_drop", p_drop, "chance of each channel to go flat");
  }
};

// Saeed et al. 2020.
class ChannelsDropout : public ConfiguredAugmentation<ChannelsDropoutConfig> {
 public:
  explicit ChannelsDropout(const ChannelsDropoutConfig& config) : ConfiguredAugmentation(config, "channels_dropout") {
    options_.fraction("p_drop", config.p_drop);
  }

  // Uniform numbers (chosen, channels): below p_drop a channel goes.
  Tensors draw(const Examples& examples) const override { return {uniform({examples.chosen(), examples.channels()})}; }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    return x.masked_fill(draws[0].lt(config_.p_drop).unsqueeze(2), 0);
  }
};

struct ChannelsShuffleConfig : AugmentationConfig {
  double p_shuffle = 0.2;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("p_shuffle", p_shuffle, "chance of each channel to change places with the others that do");
  }
};

// Saeed et al. 2020.
class ChannelsShuffle : public ConfiguredAugmentation<ChannelsShuffleConfig> {
 public:
  explicit ChannelsShuffle(const ChannelsShuffleConfig& config) : ConfiguredAugmentation(config, "channels_shuffle") {
    options_.fraction("p_shuffle", config.p_shuffle);
  }

  // Which channel each one is taken from (chosen, channels).
  Tensors draw(const Examples& examples) const override {
    const at::Tensor picked = uniform({examples.chosen(), examples.channels()}).lt(config_.p_shuffle);
    const at::Tensor keys = uniform({examples.chosen(), examples.channels()});
    at::Tensor from = at::arange(examples.channels(), at::kLong).repeat({examples.chosen(), 1});
    for (int64_t i = 0; i < examples.chosen(); i++)
      shufflePicked(picked[i].const_data_ptr<bool>(), keys[i].const_data_ptr<double>(),
                    from[i].mutable_data_ptr<int64_t>(), examples.channels());
    return {from};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    return x.gather(1, draws[0].unsqueeze(2).expand_as(x));
  }

 private:
  // The picked places get their own numbers in the order of random keys.
  static void shufflePicked(const bool* picked, const double* keys, int64_t* from, int64_t channels) {
    std::vector<int64_t> places;
    for (int64_t c = 0; c < channels; c++)
      if (picked[c]) places.push_back(c);
    std::vector<int64_t> order = places;
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return keys[a] < keys[b]; });
    for (size_t i = 0; i < places.size(); i++) from[places[i]] = order[i];
  }
};

struct ChannelsSymmetryConfig : AugmentationConfig {
  std::optional<std::vector<int64_t>> permutation;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("permutation", permutation, "for each channel, from 0, the number of the one that takes its place");
  }
};

// Deiss et al. 2018: left and right change sides.
class ChannelsSymmetry : public ConfiguredAugmentation<ChannelsSymmetryConfig> {
 public:
  explicit ChannelsSymmetry(const ChannelsSymmetryConfig& config)
      : ConfiguredAugmentation(config, "channels_symmetry") {
    options_.require(config.permutation.has_value(), "permutation", "a number for each channel", "nothing");
    auto sorted = *config.permutation;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); i++)
      options_.require(sorted[i] == static_cast<int64_t>(i), "permutation", "every number from 0 once",
                       std::to_string(sorted[i]) + " as number " + std::to_string(i) + " in order");
  }

  void check(const at::Tensor& inputs) const override {
    options_.require(static_cast<int64_t>(config_.permutation->size()) == inputs.size(1), "permutation",
                     std::to_string(inputs.size(1)) + " numbers", std::to_string(config_.permutation->size()));
  }

  at::Tensor apply(const at::Tensor& x, const Tensors&, const at::Tensor&) const override {
    return x.index_select(1, at::tensor(*config_.permutation, at::kLong).to(x.device()));
  }
};

// Mohsenvand et al. 2020: the reference is one of the channels, which becomes minus itself.
class ChannelsReref : public ConfiguredAugmentation<AugmentationConfig> {
 public:
  explicit ChannelsReref(const AugmentationConfig& config) : ConfiguredAugmentation(config, "channels_reref") {}

  // The new reference (chosen).
  Tensors draw(const Examples& examples) const override {
    return {at::randint(examples.channels(), {examples.chosen()}, at::kLong)};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    const at::Tensor channel = draws[0].view({-1, 1, 1}).expand({-1, 1, x.size(2)});
    const at::Tensor reference = x.gather(1, channel);
    return (x - reference).scatter(1, channel, reference.neg());
  }
};

struct GaussianNoiseConfig : AugmentationConfig {
  double std = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("std", std, "standard deviation, in the unit of the windows");
  }
};

class GaussianNoise : public ConfiguredAugmentation<GaussianNoiseConfig> {
 public:
  explicit GaussianNoise(const GaussianNoiseConfig& config) : ConfiguredAugmentation(config, "gaussian_noise") {
    options_.require(config.std >= 0 && std::isfinite(config.std), "std", "a number, 0 or more",
                     std::to_string(config.std));
  }

  // Of deviation 1 (chosen, channels, time).
  Tensors draw(const Examples& examples) const override {
    return {at::randn({examples.chosen(), examples.channels(), examples.samples()}, at::kFloat)};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    return x.add(draws[0].to(x.scalar_type()), config_.std);
  }
};

struct AmplitudeScaleConfig : AugmentationConfig {
  std::vector<double> interval = {0.5, 2};

  template <class Visitor>
  void fields(Visitor&& visit) {
    AugmentationConfig::fields(visit);
    visit("interval", interval, "smallest and largest factor");
  }
};

// Mohsenvand et al. 2020.
class AmplitudeScale : public ConfiguredAugmentation<AmplitudeScaleConfig> {
 public:
  explicit AmplitudeScale(const AmplitudeScaleConfig& config) : ConfiguredAugmentation(config, "amplitude_scale") {
    const bool pair = config.interval.size() == 2;
    options_.require(pair && std::isfinite(config.interval[0]) && std::isfinite(config.interval[1]) &&
                         config.interval[0] <= config.interval[1],
                     "interval", "two numbers, the smaller one first",
                     pair ? std::to_string(config.interval[0]) + " and " + std::to_string(config.interval[1])
                          : std::to_string(config.interval.size()) + " numbers");
  }

  // A factor for each channel (chosen, channels).
  Tensors draw(const Examples& examples) const override {
    const auto [low, high] = std::pair(config_.interval[0], config_.interval[1]);
    return {uniform({examples.chosen(), examples.channels()}) * (high - low) + low};
  }

  at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor&) const override {
    return x * draws[0].to(x.scalar_type()).unsqueeze(2);
  }
};

}  // namespace

AugmentationEntry signFlip() {
  return augmentationEntry<SignFlip, AugmentationConfig>("sign_flip", "all channels upside down");
}
AugmentationEntry channelsDropout() {
  return augmentationEntry<ChannelsDropout, ChannelsDropoutConfig>("channels_dropout",
                                                                   "some channels go flat (Saeed et al. 2020)");
}
AugmentationEntry channelsShuffle() {
  return augmentationEntry<ChannelsShuffle, ChannelsShuffleConfig>("channels_shuffle",
                                                                   "some channels change places (Saeed et al. 2020)");
}
AugmentationEntry channelsSymmetry() {
  return augmentationEntry<ChannelsSymmetry, ChannelsSymmetryConfig>(
      "channels_symmetry", "left and right channels change sides (Deiss et al. 2018)");
}
AugmentationEntry channelsReref() {
  return augmentationEntry<ChannelsReref, AugmentationConfig>(
      "channels_reref", "another channel is the reference (Mohsenvand et al. 2020)");
}
AugmentationEntry gaussianNoise() {
  return augmentationEntry<GaussianNoise, GaussianNoiseConfig>("gaussian_noise", "white noise on all channels");
}
AugmentationEntry amplitudeScale() {
  return augmentationEntry<AmplitudeScale, AmplitudeScaleConfig>("amplitude_scale",
                                                                 "a factor on each channel (Mohsenvand et al. 2020)");
}

}  // namespace eegtorch
