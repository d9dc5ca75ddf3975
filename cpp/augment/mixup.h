// Convex combinations of pairs of examples and of their labels (Zhang et al. 2018).
#pragma once

#include "augment/augmentation.h"

namespace eegtorch {

struct MixupConfig {
  double alpha = 0.2;
  bool beta_per_sample = false;
  double probability = 1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("alpha", alpha, "shares are drawn from Beta(alpha, alpha)");
    visit("beta_per_sample", beta_per_sample, "a share for each example, not one for the batch");
    visit("probability", probability, "chance of each example to be mixed");
  }
};

class Mixup {
 public:
  explicit Mixup(const MixupConfig& config);

  // (partner rows (batch), share of the example itself (batch)), on the CPU.
  Tensors draw(int64_t batch) const;

  // Class numbers become {classes, classes of the partners, shares}; targets of floats are mixed themselves.
  static void apply(const Tensors& draws, Tensors& inputs, Tensors& targets);

 private:
  MixupConfig config_;
};

}  // namespace eegtorch
