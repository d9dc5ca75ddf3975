#include "kernels/kept.h"

#include <algorithm>

#include "core/shared_memory.h"
#include "kernels/dispatch.h"

namespace eegtorch::kernels {

Stamp::Stamp(const at::Tensor& tensor)
    : storage_(tensor.storage().getWeakStorageImpl()),
      offset_(tensor.storage_offset()),
      version_(tensor.is_inference() ? 0 : tensor._version()),
      sharing_(sharingOf(tensor).changes),
      versioned_(!tensor.is_inference()) {}

bool Stamp::holds(const at::Tensor& tensor) const {
  if (!versioned_ || tensor.is_inference() || tensor.storage_offset() != offset_ ||
      tensor.storage().unsafeGetStorageImpl() != storage_._unsafe_get_target() || tensor._version() != version_)
    return false;
  const Sharing sharing = sharingOf(tensor);
  return !sharing.now && sharing.changes == sharing_;
}

Keeping keepingOf(const ForwardPass& pass, const std::vector<at::Tensor>& weights) {
  const auto apply = [](const at::Tensor& weight) { return applies({weight}); };
  const auto recorded = [](const at::Tensor& weight) { return isRecorded({weight}); };
  if (pass.training || !std::all_of(weights.begin(), weights.end(), apply)) return Keeping::dropped;
  const at::Tensor& x = pass.x;
  const bool used = x.numel() > 0 && x.size(0) <= pass.most && applies({x}) && !isRecorded({x}) &&
                    std::none_of(weights.begin(), weights.end(), recorded);
  return used ? Keeping::used : Keeping::unused;
}

}  // namespace eegtorch::kernels
