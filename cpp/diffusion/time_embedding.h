// What a diffusion network knows of its time step: sines and cosines of it (Vaswani et al. 2017, NeurIPS), then two
// linear layers. Reference: diffusers, get_timestep_embedding and TimestepEmbedding, whose tensors have these names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "blocks/layers.h"

namespace eegtorch {

struct SinusoidOptions {
  int64_t width;
  bool cosines_first = true;
  double shift = 0;  // subtracted from half the width, by which frequencies are spaced
};

// values (count), integers or not -> (count, width) in float32
at::Tensor sinusoids(const at::Tensor& values, const SinusoidOptions& options);

// One time step, or one for each of a batch, with or without an axis -> (batch). Throws SHAPE_MISMATCH for another
// number, DTYPE_MISMATCH for what are no numbers. owner: the network, for the message.
at::Tensor timeStepsOf(const char* owner, const at::Tensor& given, int64_t batch, at::Device device);

class TimeEmbeddingImpl : public torch::nn::Module {
 public:
  TimeEmbeddingImpl(int64_t in, int64_t out, bool bias = true);
  at::Tensor forward(const at::Tensor& x);  // (batch, in) -> (batch, out)

  at::ScalarType dtype() const { return linear_1_->weight.scalar_type(); }

 private:
  Linear linear_1_{nullptr}, linear_2_{nullptr};
};
TORCH_MODULE(TimeEmbedding);

}  // namespace eegtorch
