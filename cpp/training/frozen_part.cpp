#include "training/frozen_part.h"

#include <algorithm>

namespace eegtorch {

FrozenPart::FrozenPart(torch::nn::Module& model, NamedTensors parameters) : parameters_(std::move(parameters)) {
  const auto isFrozen = [&](const at::Tensor& parameter) {
    return std::any_of(parameters_.begin(), parameters_.end(),
                       [&](const auto& frozen) { return frozen.second.is_same(parameter); });
  };
  if (parameters_.empty()) return;
  for (const auto& module : model.modules(/*include_self=*/false)) {
    const auto own = module->parameters();
    if (!own.empty() && std::all_of(own.begin(), own.end(), isFrozen)) modules_.push_back(module.get());
  }
}

void FrozenPart::Scope::set(bool frozen) {
  for (const auto& [name, parameter] : part_.parameters_) parameter.set_requires_grad(!frozen);
  for (auto* module : part_.modules_) module->train(!frozen);
}

}  // namespace eegtorch
