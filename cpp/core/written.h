// Tells LibTorch of writing that it does not count itself: its fused optimisers, peers of a process group.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Raises the tensor's version, by which inference knows that what it made of the numbers is old. Tensors made in
// inference mode have none.
inline void wrote(const at::Tensor& tensor) {
  if (!tensor.is_inference()) tensor.unsafeGetTensorImpl()->bump_version();
}

}  // namespace eegtorch
