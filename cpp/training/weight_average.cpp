#include "training/weight_average.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace eegtorch {

double MeanDecay::at(int64_t update) const {
  if (!warm_up) return most;
  return std::min(most, 1 - std::pow(1 + static_cast<double>(update) / inv_gamma, -power));
}

WeightAverage::WeightAverage(const NamedTensors& parameters, const MeanDecay& decay)
    : parameters_(parameters), updates_(at::zeros({}, at::kLong)), decay_(decay) {
  for (const auto& [name, parameter] : parameters) means_.push_back(parameter.detach().clone());
}

void WeightAverage::update() {
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> weights;
  for (const auto& [name, parameter] : parameters_) weights.push_back(parameter.detach());
  const auto update = updates_.item<int64_t>();
  if (update == 0)
    at::_foreach_copy_(means_, weights);
  else
    at::_foreach_lerp_(means_, weights, 1 - decay_.at(update));
  updates_.add_(1);
}

NamedTensors WeightAverage::state() const {
  NamedTensors state;
  for (size_t i = 0; i < means_.size(); i++) state.emplace_back("mean." + parameters_[i].first, means_[i]);
  state.emplace_back("updates", updates_);
  return state;
}

// The tensors change places, no numbers are copied.
void WeightAverage::Scope::swap() {
  if (!average_) return;
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < average_->means_.size(); i++) {
    at::Tensor& parameter = average_->parameters_[i].second;
    const at::Tensor weights = parameter.tensor_data();
    parameter.set_data(average_->means_[i]);
    average_->means_[i] = weights;
  }
}

}  // namespace eegtorch
