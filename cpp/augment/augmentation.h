// Random changes to a batch of EEG that leave its meaning alone, made while training only (Rommel et al. 2022 compare
// them). Each augmentation draws what chance decides first, on the CPU, so that a seed gives the same on every device;
// what follows from the draws is a pure function that runs wherever the batch is. Names, options and definitions are
// those of braindecode.augmentation where it has them.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"

namespace eegtorch {

using Tensors = std::vector<at::Tensor>;

// What an augmentation may look at while it draws.
struct Examples {
  at::Tensor inputs;  // (batch, channels, time), on any device
  at::Tensor labels;  // (batch) class numbers on the CPU, or undefined
  at::Tensor rows;    // (chosen) numbers of the examples that change, on the CPU

  int64_t chosen() const { return rows.size(0); }
  int64_t channels() const { return inputs.size(1); }
  int64_t samples() const { return inputs.size(2); }
};

class Augmentation {
 public:
  virtual ~Augmentation() = default;

  virtual double probability() const = 0;

  // Refuses windows that the options do not fit.
  virtual void check(const at::Tensor& inputs) const {}

  // Whether draws depend on the class of each example.
  virtual bool needsLabels() const { return false; }

  // What chance decides for the chosen examples, first dimension theirs, from LibTorch's default CPU generator.
  virtual Tensors draw(const Examples& examples) const { return {}; }

  // x: (chosen, channels, time), the examples that change, on the batch's device like the draws; batch: all examples.
  // The result is a new tensor of the shape of x.
  virtual at::Tensor apply(const at::Tensor& x, const Tensors& draws, const at::Tensor& batch) const = 0;
};

struct AugmentationEntry {
  std::string name, doc;
  std::function<ConfigDescription()> describe;
  std::function<std::unique_ptr<Augmentation>(const Value& options)> make;
};

const std::vector<AugmentationEntry>& augmentations();

// An entry of the table. Class: made from Config, which has a probability and is checked by the constructor.
template <class Class, class Config>
AugmentationEntry augmentationEntry(const char* name, const char* doc) {
  return {name, doc, [] { return describeConfig<Config>(); },
          [name](const Value& options) { return std::make_unique<Class>(readConfig<Config>(options, name)); }};
}

// {name, options...} -> the augmentation of that name.
std::unique_ptr<Augmentation> makeAugmentation(const Value& described);

}  // namespace eegtorch
