// The layers of large networks. They compute and begin as PyTorch's classes do, but while a WithoutInitialisation lives
// their weights are not drawn: gigabytes that a checkpoint brings need neither the time nor, untouched, the memory.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace eegtorch {

// While one lives, layers that this thread makes leave their weights uninitialised.
class WithoutInitialisation {
 public:
  WithoutInitialisation();
  ~WithoutInitialisation();
  WithoutInitialisation(const WithoutInitialisation&) = delete;
  WithoutInitialisation& operator=(const WithoutInitialisation&) = delete;

  static bool active();

 private:
  bool before_;
};

// A weight and, unless the layer has none, a bias.
class WeightedImpl : public torch::nn::Module {
 public:
  at::Tensor weight, bias;

 protected:
  WeightedImpl(at::IntArrayRef weight_shape, int64_t bias_length);  // bias_length 0: no bias
  void drawUniform(int64_t fan_in);  // as PyTorch's linear and convolutional layers begin
  void begin(double weight_value);   // as its norms begin
};

class LinearImpl : public WeightedImpl {
 public:
  LinearImpl(int64_t in, int64_t out, bool with_bias = true);
  at::Tensor forward(const at::Tensor& x);  // (..., in) -> (..., out)
};
TORCH_MODULE(Linear);

struct Conv2dShape {
  int64_t stride = 1, padding = 0;
  bool bias = true;
};

class Conv2dImpl : public WeightedImpl {
 public:
  Conv2dImpl(int64_t in, int64_t out, int64_t kernel, const Conv2dShape& shape = {});
  at::Tensor forward(const at::Tensor& x);  // (batch, in, height, width) -> (batch, out, height', width')

 private:
  int64_t stride_, padding_;
};
TORCH_MODULE(Conv2d);

class GroupNormImpl : public WeightedImpl {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps);
  at::Tensor forward(const at::Tensor& x);      // (batch, channels, ...)
  at::Tensor forwardSilu(const at::Tensor& x);  // silu of that

 private:
  int64_t groups_;
  double eps_;
};
TORCH_MODULE(GroupNorm);

struct LayerNormShape {
  bool bias = true;
};

class LayerNormImpl : public WeightedImpl {
 public:
  LayerNormImpl(int64_t width, double eps, const LayerNormShape& shape = {});
  at::Tensor forward(const at::Tensor& x);  // (..., width)

 private:
  double eps_;
};
TORCH_MODULE(LayerNorm);

// Divides by the root mean square, in float32 whatever the dtype, as the reference's Llama does.
class RmsNormImpl : public WeightedImpl {
 public:
  RmsNormImpl(int64_t width, double eps);
  at::Tensor forward(const at::Tensor& x);  // (..., width)

 private:
  double eps_;
};
TORCH_MODULE(RmsNorm);

class EmbeddingImpl : public WeightedImpl {
 public:
  EmbeddingImpl(int64_t count, int64_t width);
  at::Tensor forward(const at::Tensor& ids);  // integers (...) -> (..., width)
};
TORCH_MODULE(Embedding);

}  // namespace eegtorch
