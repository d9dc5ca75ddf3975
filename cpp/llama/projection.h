// A linear layer of a language model: its weight as numbers or in four bits (NF4), and a low-rank adapter beside it
// (LoRA, Hu et al. 2022, ICLR, arXiv 2106.09685).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <string>

#include "blocks/dropout.h"
#include "blocks/layers.h"
#include "llama/nf4_linear.h"

namespace eegtorch {

// x -> scale * dropout(x) A^T B^T. Begins as zero.
class LoraImpl : public torch::nn::Module {
 public:
  // Registers A as `lora_A.weight` (r, in) and B as `lora_B.weight` (out, r) under `owner`.
  LoraImpl(torch::nn::Module& owner, int64_t in, int64_t out, int64_t r, double scale, double drop_prob);
  at::Tensor forward(const at::Tensor& x);
  // What it adds to a weight (out, in).
  at::Tensor difference() const;

 private:
  double scale_;
  at::Tensor a_, b_;
  Dropout dropout_{nullptr};
};
TORCH_MODULE(Lora);

struct ProjectionShape {
  int64_t in, out;
  bool bias = false;
  bool nf4 = false;
  bool double_quant = true;
};

class Projection {
 public:
  Projection() = default;
  // Registers its layer in `owner`: dense with the parameters weight (out, in) and bias, or an Nf4Linear.
  Projection(torch::nn::Module& owner, const std::string& name, const ProjectionShape& shape);

  at::Tensor forward(const at::Tensor& x) const;  // (..., in) -> (..., out)

  // merged: the adapter is added to the weight in each forward.
  void attach(const Lora& lora, bool merged);
  const ProjectionShape& shape() const { return shape_; }
  // nullptr where the weight is dense.
  Nf4Linear nf4() const { return nf4_; }

 private:
  at::Tensor mergedForward(const at::Tensor& x) const;

  ProjectionShape shape_{};
  Linear dense_{nullptr};
  Nf4Linear nf4_{nullptr};
  Lora lora_{nullptr};
  bool merged_ = false;
};

}  // namespace eegtorch
