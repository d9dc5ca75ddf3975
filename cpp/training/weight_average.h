// A running mean of the weights, which often does better than the weights themselves (Polyak and Juditsky 1992).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

// Takes the steps of torch.optim.swa_utils.AveragedModel with an exponential mean: the first update copies the weights,
// each later one moves the mean by 1 - decay of the way to them. Buffers, such as the statistics of a batch norm, are
// the network's own.
class WeightAverage {
 public:
  WeightAverage(const NamedTensors& parameters, double decay);

  void update();

  // "conv.weight" -> its mean, and "updates": how many there were. The tensors are its own, not copies.
  NamedTensors state() const;

  // Puts the means in the weights' place inside the block.
  class Scope {
   public:
    explicit Scope(WeightAverage* average) : average_(average) { swap(); }
    ~Scope() { swap(); }
    Scope(const Scope&) = delete;

   private:
    void swap();
    WeightAverage* average_;  // null: nothing happens
  };

 private:
  NamedTensors parameters_;
  std::vector<at::Tensor> means_;
  at::Tensor updates_;
  double decay_;
};

}  // namespace eegtorch
