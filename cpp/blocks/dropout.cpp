#include "blocks/dropout.h"

#include "kernels/dropout.h"

namespace eegtorch {

at::Tensor DropoutImpl::forward(const at::Tensor& x) { return kernels::dropout(x, p_, is_training()); }

}  // namespace eegtorch
