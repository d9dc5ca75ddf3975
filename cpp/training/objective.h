// What a network is trained towards. A table by name: adding an objective is one class and one line in objective.cpp.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"

namespace eegtorch {

using Tensors = std::vector<at::Tensor>;

class Objective {
 public:
  virtual ~Objective() = default;

  // The mean over the batch, as a scalar. outputs: what the model returned; targets: what the batch carries.
  virtual at::Tensor loss(const Tensors& outputs, const Tensors& targets) const = 0;

  // What that mean divides by, as a float64 scalar, so that the means of micro-batches add up to the mean of the batch.
  virtual at::Tensor mass(const Tensors& targets) const;

  // How many predictions are right, as a scalar; undefined where there are no classes.
  virtual at::Tensor correct(const Tensors& outputs, const Tensors& targets) const;
};

struct ObjectiveEntry {
  std::string name, doc;
  std::function<ConfigDescription()> describe;
  std::function<std::unique_ptr<Objective>(const Value& options)> make;
};

const std::vector<ObjectiveEntry>& objectives();

// An entry of the table for a class that is made from its options.
template <class Class, class Config>
ObjectiveEntry objectiveEntry(const char* name, const char* doc) {
  return {name, doc, [] { return describeConfig<Config>(); },
          [name](const Value& options) { return std::make_unique<Class>(readConfig<Config>(options, name)); }};
}

// name: of the table; UNKNOWN_NAME otherwise. options: null for the defaults.
std::unique_ptr<Objective> makeObjective(const std::string& name, const Value& options);

}  // namespace eegtorch
