// Memory of tensors that JavaScript holds too, as arrays: it writes there without LibTorch counting.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace eegtorch {

// JavaScript holds the tensor's memory from here on, until the other is called as often.
void beginSharing(const at::Tensor& tensor);
void endSharing(const at::Tensor& tensor);

struct Sharing {
  uint64_t changes = 0;  // beginnings and ends so far
  bool now = false;
};
Sharing sharingOf(const at::Tensor& tensor);

}  // namespace eegtorch
