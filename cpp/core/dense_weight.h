// Layers that hold their weight otherwise than a file may, such as in four bits.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace eegtorch {

// A module with a tensor `weight`, and parts of it under `weight.`, that also takes the dense weight they stand for.
class TakesDenseWeight {
 public:
  virtual ~TakesDenseWeight() = default;

  virtual std::vector<int64_t> denseShape() const = 0;
  // weight: of that shape, any floating type and device. The layer's tensors are then on `device`.
  virtual void takeDense(const at::Tensor& weight, at::Device device) = 0;
};

}  // namespace eegtorch
