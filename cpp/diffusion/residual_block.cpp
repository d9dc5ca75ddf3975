#include "diffusion/residual_block.h"

#include <ATen/Functions.h>

#include "diffusion/in_place.h"

namespace eegtorch {

ResidualBlockImpl::ResidualBlockImpl(const ResidualBlockOptions& o) : divisor_(o.divisor) {
  norm1_ = register_module("norm1", GroupNorm(o.groups, o.in, o.eps));
  conv1_ = register_module("conv1", Conv2d(o.in, o.out, 3, Conv2dShape{.padding = 1}));
  if (o.time > 0) time_emb_proj_ = register_module("time_emb_proj", Linear(o.time, o.out));
  norm2_ = register_module("norm2", GroupNorm(o.groups, o.out, o.eps));
  dropout_ = register_module("dropout", Dropout(o.dropout));
  conv2_ = register_module("conv2", Conv2d(o.out, o.out, 3, Conv2dShape{.padding = 1}));
  if (o.in != o.out) conv_shortcut_ = register_module("conv_shortcut", Conv2d(o.in, o.out, 1));
}

at::Tensor ResidualBlockImpl::forward(const at::Tensor& x, const at::Tensor& time, const at::Tensor& shift) {
  auto offset = time_emb_proj_ ? time_emb_proj_->forward(time) : at::Tensor();  // (batch, out)
  if (shift.defined()) offset = offset.defined() ? offset + shift : shift;
  auto y = conv1_->forward(norm1_->forwardSilu(x));
  if (offset.defined()) y = addTo(y, offset.unsqueeze(2).unsqueeze(3));
  y = conv2_->forward(dropout_->forward(norm2_->forwardSilu(y)));
  y = addTo(y, conv_shortcut_ ? conv_shortcut_->forward(x) : x);
  return divisor_ == 1 ? y : y / divisor_;
}

}  // namespace eegtorch
