#include "core/weight_loader.h"

#include <torch/utils.h>

#include <algorithm>

namespace eegtorch {

namespace {

// Storages that several tensors read: each then needs memory of its own, or training one would change the other.
std::unordered_set<const c10::StorageImpl*> sharedStorages(const NamedTensors& tensors) {
  std::unordered_set<const c10::StorageImpl*> seen, shared;
  for (const auto& [name, tensor] : tensors) {
    const auto* storage = tensor.storage().unsafeGetStorageImpl();
    if (!seen.insert(storage).second) shared.insert(storage);
  }
  return shared;
}

}  // namespace

WeightLoader::WeightLoader(Model module, const NamedTensors& weights, const Placement& placement,
                           const std::string& name)
    : module_(std::move(module)), waiting_(matchState(*module_, weights, name)), placement_(placement) {
  for (const auto& [key, tensor] : stateDict(*module_)) own_.emplace(key, tensor);
  for (const auto& [key, tensor] : waiting_) total_ += tensor.nbytes();
  shared_ = sharedStorages(waiting_);
  std::reverse(waiting_.begin(), waiting_.end());
}

uint64_t WeightLoader::advance(uint64_t bytes) {
  const torch::NoGradGuard frozen;
  for (const uint64_t enough = done_ + bytes; done_ < enough && !waiting_.empty(); waiting_.pop_back()) {
    auto& [name, given] = waiting_.back();
    auto& own = own_.at(name);
    own.set_data(place(own, given));
    done_ += given.nbytes();
  }
  return done_;
}

at::Tensor WeightLoader::place(const at::Tensor& own, const at::Tensor& given) const {
  const auto dtype = own.is_floating_point() ? placement_.dtype.value_or(own.scalar_type()) : own.scalar_type();
  const auto placed = given.to(placement_.device, dtype).contiguous();
  if (!placed.is_alias_of(given)) return placed;
  const bool is_whole = placed.nbytes() == placed.storage().nbytes();
  return is_whole && shared_.count(placed.storage().unsafeGetStorageImpl()) == 0 ? placed : placed.clone();
}

}  // namespace eegtorch
