// The residual block of diffusion networks and of the autoencoders beside them: twice group norm, SiLU and a 3 x 3
// convolution, between them what the time step says (He et al. 2016, CVPR; Ho et al. 2020, NeurIPS, arXiv 2006.11239).
// Reference: diffusers, ResnetBlock2D, whose tensors have these names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "blocks/dropout.h"
#include "blocks/layers.h"

namespace eegtorch {

struct ResidualBlockOptions {
  int64_t in, out;     // channels
  int64_t groups;      // of the norms, a divisor of both
  double eps;          // added to the norms' variances
  int64_t time = 0;    // width of the time embedding; 0: the block knows no time
  double dropout = 0;  // before the second convolution
  double divisor = 1;  // of the sum with what went around
};

class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(const ResidualBlockOptions& options);

  // x (batch, in, height, width), time (batch, time) after its SiLU, which all blocks share; ignored by a block that
  // knows no time -> (batch, out, height, width). shift (batch, out): added to each channel, where defined.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& time = {}, const at::Tensor& shift = {});

 private:
  double divisor_;
  GroupNorm norm1_{nullptr}, norm2_{nullptr};
  Conv2d conv1_{nullptr}, conv2_{nullptr}, conv_shortcut_{nullptr};
  Linear time_emb_proj_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(ResidualBlock);

}  // namespace eegtorch
