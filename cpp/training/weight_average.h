// A running mean of the weights, which often does better than the weights themselves (Polyak and Juditsky 1992).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

// How much of a running mean an update leaves. With a warm-up it is less at first, as diffusers' EMAModel has it under
// use_ema_warmup: update n, the first being 0, leaves 1 - (1 + n / inv_gamma) ** -power of it, up to the decay. Without
// one the mean of a short training is hardly more than the weights that it began with.
struct MeanDecay {
  double most = 0;
  bool warm_up = false;
  double inv_gamma = 1, power = 2.0 / 3;

  double at(int64_t update) const;
};

// Takes the steps of torch.optim.swa_utils.AveragedModel with an exponential mean: the first update copies the weights,
// each later one moves the mean by 1 - decay of the way to them. Buffers, such as the statistics of a batch norm, are
// the network's own.
class WeightAverage {
 public:
  WeightAverage(const NamedTensors& parameters, const MeanDecay& decay);

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
  MeanDecay decay_;
};

}  // namespace eegtorch
