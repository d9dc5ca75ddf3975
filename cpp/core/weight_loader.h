// Gives a network the weights of a checkpoint without copying what is there as it is wanted: mapped tensors of the
// right dtype become the network's own, others are converted one by one. A piece at a time, so that progress can be
// told.
#pragma once

#include <optional>
#include <unordered_set>

#include "core/huge_pages.h"
#include "core/named_tensors.h"
#include "core/state_dict.h"

namespace eegtorch {

// Where weights go. Counters, other integers and what is FullPrecision keep their dtype.
struct Placement {
  at::Device device = at::kCPU;
  std::optional<at::ScalarType> dtype;  // the network's when absent
};

class WeightLoader {
 public:
  // weights: of `mapLargeTensors` or `readTensors`, on the CPU; matched as matchState does, with its errors.
  // kept: tensors of the network that stay as they are unless they are among the weights; they are placed too. name:
  // the registry name, for messages.
  WeightLoader(Model module, NamedTensors weights, const Placement& placement, const std::vector<std::string>& kept,
               const std::string& name);

  // Loads until at least so many bytes of the checkpoint were converted or copied, or all is done; what is mapped takes
  // no time. Memory of a tensor that was converted goes back before the next one. Gives the bytes done in all, and
  // `total` at the end.
  uint64_t advance(uint64_t bytes);
  uint64_t total() const { return total_; }

  const Model& module() const { return module_; }

 private:
  bool load(const std::string& name, const at::Tensor& given);  // whether its numbers were moved
  at::Tensor place(const at::Tensor& given, at::ScalarType dtype);

  Model module_;
  NamedTensors waiting_;  // the last one first
  std::unordered_map<std::string, at::Tensor> own_;
  std::unordered_map<std::string, TakesDenseWeight*> dense_;
  std::unordered_set<std::string> full_precision_;
  std::unordered_set<const c10::StorageImpl*> shared_;
  Placement placement_;
  HugePages huge_pages_;  // for converted tensors
  uint64_t total_ = 0, done_ = 0;
};

}  // namespace eegtorch
