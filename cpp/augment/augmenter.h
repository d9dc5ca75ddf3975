// A list of augmentations, made one after the other on each batch.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "augment/augmentation.h"
#include "augment/mixup.h"

namespace eegtorch {

class Augmenter {
 public:
  // described: null or a list of {name, options...}. Mixup comes last, since it changes the labels.
  explicit Augmenter(const Value* described);

  // Whether it changes anything.
  explicit operator bool() const { return !augmentations_.empty() || mixup_; }

  // inputs[0]: (batch, channels, time) floats; targets: as the loss takes them. Both are replaced, never written to.
  // Draws from LibTorch's default CPU generator.
  void run(Tensors& inputs, Tensors& targets) const;

 private:
  std::vector<std::unique_ptr<Augmentation>> augmentations_;
  std::optional<Mixup> mixup_;
};

}  // namespace eegtorch
