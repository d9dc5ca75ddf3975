// What Inception-v3 is made of: convolutions with batch norm, and modules of parallel branches.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include <array>
#include <string>
#include <vector>

#include "blocks/layers.h"

namespace eegtorch {

// Kernel and padding by height and width.
struct InceptionConvShape {
  std::array<int64_t, 2> kernel = {1, 1}, padding = {0, 0};
  int64_t stride = 1;
};

// The weight of a convolution whose kernel need not be square.
class InceptionKernelImpl : public WeightedImpl {
 public:
  InceptionKernelImpl(int64_t in, int64_t out, const InceptionConvShape& shape);
  at::Tensor forward(const at::Tensor& x);
  // Each output channel of that times `scale`, plus `shift`.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift);

 private:
  at::Tensor convolve(const at::Tensor& x, const at::Tensor& kernels, const at::Tensor& bias) const;

  InceptionConvShape shape_;
};
TORCH_MODULE(InceptionKernel);

// Convolution without bias, batch norm, ReLU.
class InceptionConvImpl : public torch::nn::Module {
 public:
  InceptionConvImpl(int64_t in, int64_t out, const InceptionConvShape& shape = {});
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor infer(const at::Tensor& x);  // with running statistics, recording nothing

  InceptionKernel conv_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};
TORCH_MODULE(InceptionConv);

// One convolution of a branch: its name in the reference, its channels, its shape. Several at the end of a branch stand
// side by side: what they give is concatenated.
struct InceptionStep {
  std::string name;
  int64_t out;
  InceptionConvShape shape = {};
};
struct InceptionBranch {
  std::vector<InceptionStep> steps;
  std::vector<InceptionStep> side_by_side = {};
};

// What stands beside the branches: pooling that keeps the size before a convolution, or pooling alone, which halves it.
struct InceptionPool {
  int64_t out = 0;  // channels of the convolution; 0: pooling alone
};

// Branches over the same input, concatenated, the pool last.
class InceptionModuleImpl : public torch::nn::Module {
 public:
  InceptionModuleImpl(int64_t in, const std::vector<InceptionBranch>& branches, const InceptionPool& pool);
  at::Tensor forward(const at::Tensor& x);
  int64_t out() const { return out_; }

 private:
  struct Branch {
    std::vector<InceptionConv> steps, side_by_side;
  };
  // Adds a branch; returns its channels.
  int64_t add(int64_t in, const InceptionBranch& branch);

  int64_t out_ = 0;
  std::vector<Branch> branches_;
  InceptionConv pool_{nullptr};
};
TORCH_MODULE(InceptionModule);

}  // namespace eegtorch
