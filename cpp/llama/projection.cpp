#include "llama/projection.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/nn/init.h>

#include <cmath>

#include "blocks/chain.h"
#include "blocks/layers.h"
#include "kernels/linear.h"

namespace eegtorch {

LoraImpl::LoraImpl(torch::nn::Module& owner, int64_t in, int64_t out, int64_t r, double scale, double drop_prob)
    : scale_(scale) {
  const auto add = [&](const char* name, at::IntArrayRef shape) {
    return owner.register_module(name, std::make_shared<Named>())->register_parameter("weight", at::empty(shape));
  };
  a_ = add("lora_A", {r, in});
  b_ = add("lora_B", {out, r});
  dropout_ = owner.register_module("lora_dropout", Dropout(drop_prob));
  torch::nn::init::kaiming_uniform_(a_, std::sqrt(5.0));
  torch::nn::init::zeros_(b_);
}

at::Tensor LoraImpl::forward(const at::Tensor& x) {
  const auto narrow = at::linear(dropout_->forward(x.to(a_.scalar_type())), a_);  // (..., r)
  return (at::linear(narrow, b_) * scale_).to(x.scalar_type());
}

at::Tensor LoraImpl::difference() const { return at::mm(b_, a_) * scale_; }

Projection::Projection(torch::nn::Module& owner, const std::string& name, const ProjectionShape& shape)
    : shape_(shape) {
  if (shape.nf4) {
    const Nf4LinearConfig config{shape.in, shape.out, shape.bias, kNf4Block, shape.double_quant};
    nf4_ = owner.register_module(name, Nf4Linear(config));
    return;
  }
  dense_ = owner.register_module(name, Linear(shape.in, shape.out, shape.bias));
  if (WithoutInitialisation::active()) return;
  torch::nn::init::normal_(dense_->weight, 0, kLlamaDeviation);
  if (shape.bias) torch::nn::init::zeros_(dense_->bias);
}

void Projection::attach(const Lora& lora, bool merged) {
  lora_ = lora;
  merged_ = merged;
}

at::Tensor Projection::mergedForward(const at::Tensor& x) const {
  const auto weight = nf4_ ? nf4_->dequantised(x.scalar_type()) : dense_->weight;
  return kernels::linear(x, weight + lora_->difference().to(weight.scalar_type()), nf4_ ? nf4_->bias() : dense_->bias);
}

at::Tensor Projection::forward(const at::Tensor& x) const {
  if (merged_) return mergedForward(x);
  const auto y = nf4_ ? Nf4Linear(nf4_)->forward(x) : Linear(dense_)->forward(x);
  return lora_ ? y + Lora(lora_)->forward(x) : y;
}

}  // namespace eegtorch
