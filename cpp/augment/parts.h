// The augmentations behind the table.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "augment/augmentation.h"
#include "core/check.h"

namespace eegtorch {

AugmentationEntry timeReverse();
AugmentationEntry smoothTimeMask();
AugmentationEntry maskEncoding();
AugmentationEntry timeShift();
AugmentationEntry segmentRecombination();

AugmentationEntry signFlip();
AugmentationEntry channelsDropout();
AugmentationEntry channelsShuffle();
AugmentationEntry channelsSymmetry();
AugmentationEntry channelsReref();
AugmentationEntry gaussianNoise();
AugmentationEntry amplitudeScale();

AugmentationEntry ftSurrogate();
AugmentationEntry frequencyShift();
AugmentationEntry bandstopFilter();

// What every augmentation has.
struct AugmentationConfig {
  double probability = 0.5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("probability", probability, "chance of each example to be changed");
  }
};

// The part that every augmentation shares. Config derives from AugmentationConfig.
template <class Config>
class ConfiguredAugmentation : public Augmentation {
 public:
  ConfiguredAugmentation(const Config& config, const char* name) : config_(config), options_(name) {
    options_.fraction("probability", config.probability);
  }
  double probability() const override { return config_.probability; }

 protected:
  Config config_;
  OptionCheck options_;
};

// Uniform in [0, 1), float64, from LibTorch's default CPU generator.
at::Tensor uniform(at::IntArrayRef sizes);

// (n) -> (n, 1, 1) of the type of x, to go along its channels and times.
at::Tensor perExample(const at::Tensor& values, const at::Tensor& x);

// The sampling rate that an option must have given.
double requireRate(const OptionCheck& options, const std::optional<double>& sfreq);

}  // namespace eegtorch
