#include "blocks/dropout.h"

#include <ATen/Functions.h>

#include "kernels/dropout.h"

namespace eegtorch {

at::Tensor DropoutImpl::forward(const at::Tensor& x) { return kernels::dropout(x, p_, is_training()); }

at::Tensor ChannelDropoutImpl::forward(const at::Tensor& x) {
  if (!is_training()) return x;
  std::vector<int64_t> sizes(x.dim(), 1);
  sizes[0] = x.size(0), sizes[1] = x.size(1);
  return x * DropoutImpl::forward(at::ones(sizes, x.options()));
}

}  // namespace eegtorch
