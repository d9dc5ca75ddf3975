// The part of a network that stays as it is while the rest trains.
#pragma once

#include <torch/nn/module.h>

#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

class FrozenPart {
 public:
  FrozenPart() = default;

  // Modules all of whose parameters are among these run in evaluation mode: the statistics of their batch norms do not
  // change, and they drop nothing out.
  FrozenPart(torch::nn::Module& model, NamedTensors parameters);

  // Frozen inside the block, in which the network trains.
  class Scope {
   public:
    explicit Scope(const FrozenPart& part) : part_(part) { set(true); }
    ~Scope() { set(false); }
    Scope(const Scope&) = delete;

   private:
    void set(bool frozen);
    const FrozenPart& part_;
  };

 private:
  NamedTensors parameters_;
  std::vector<torch::nn::Module*> modules_;
};

}  // namespace eegtorch
