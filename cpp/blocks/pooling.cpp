#include "blocks/pooling.h"

#include <ATen/Functions.h>

namespace eegtorch {

at::Tensor poolTime(const at::Tensor& x, const PoolMode& mode, int64_t length, int64_t stride) {
  return mode.value == "max" ? at::max_pool2d(x, {1, length}, {1, stride})
                             : at::avg_pool2d(x, {1, length}, {1, stride});
}

}  // namespace eegtorch
