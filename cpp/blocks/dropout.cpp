#include "blocks/dropout.h"

#include <ATen/Functions.h>

namespace eegtorch {

at::Tensor DropoutImpl::forward(const at::Tensor& x) const { return at::dropout(x, p_, is_training()); }

}  // namespace eegtorch
