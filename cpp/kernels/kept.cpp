#include "kernels/kept.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

Stamp::Stamp(const at::Tensor& tensor)
    : storage_(tensor.storage().getWeakStorageImpl()),
      offset_(tensor.storage_offset()),
      version_(tensor.is_inference() ? 0 : tensor._version()),
      versioned_(!tensor.is_inference()) {}

bool Stamp::holds(const at::Tensor& tensor) const {
  return versioned_ && !tensor.is_inference() && tensor.storage_offset() == offset_ &&
         tensor.storage().unsafeGetStorageImpl() == storage_._unsafe_get_target() && tensor._version() == version_;
}

bool packs(const at::Tensor& x, const std::vector<at::Tensor>& weights) {
  const bool recorded = at::GradMode::is_enabled();
  if (x.numel() == 0 || (recorded && x.requires_grad()) || !applies({x})) return false;
  return std::all_of(weights.begin(), weights.end(), [recorded](const at::Tensor& weight) {
    return !(recorded && weight.requires_grad()) && applies({weight});
  });
}

}  // namespace eegtorch::kernels
