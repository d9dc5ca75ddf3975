#include "llama/projection.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <torch/nn/init.h>

#include <cmath>

#include "blocks/chain.h"
#include "blocks/layers.h"
#include "core/full_precision.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

constexpr double kDeviation = 0.02;  // of new weights, as in transformers
constexpr int64_t kBlock = 64;

// What autocast would convert an operator's input to: it does not look inside operators of our own.
at::Tensor autocastInput(const at::Tensor& x) {
  const auto device = x.device().type();
  return at::autocast::is_autocast_enabled(device) ? x.to(at::autocast::get_autocast_dtype(device)) : x;
}

}  // namespace

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

Nf4LinearImpl::Nf4LinearImpl(const ProjectionShape& shape) {
  matrix = WithoutInitialisation::active()
               ? emptyNf4(shape.out, shape.in, kBlock, shape.double_quant)
               : quantiseNf4(at::randn({shape.out, shape.in}) * kDeviation, kBlock, shape.double_quant);
  matrix.codes = register_buffer("weight", matrix.codes);
  const auto state = register_module("weight", std::make_shared<FullPrecision>());
  const auto add = [&](const char* name, at::Tensor& tensor) { tensor = state->register_buffer(name, tensor); };
  add("absmax", matrix.absmax);
  add("quant_map", matrix.map);
  if (matrix.nested()) {
    add("nested_absmax", matrix.nested_absmax);
    add("nested_quant_map", matrix.nested_map);
    add("nested_offset", matrix.offset);
  }
  if (shape.bias) bias = register_parameter("bias", at::zeros({shape.out}));
}

at::Tensor Nf4LinearImpl::forward(const at::Tensor& x) {
  const auto y = nf4Linear(autocastInput(x), matrix);
  return bias.defined() ? y + bias.to(y.scalar_type()) : y;
}

void Nf4LinearImpl::quantise(const at::Tensor& weight) {
  const at::NoGradGuard no_grad;
  const auto from = quantiseNf4(weight, matrix.block, matrix.nested());
  matrix.codes.copy_(from.codes);
  matrix.absmax.copy_(from.absmax);
  matrix.map.copy_(from.map);
  if (!matrix.nested()) return;
  matrix.nested_absmax.copy_(from.nested_absmax);
  matrix.nested_map.copy_(from.nested_map);
  matrix.offset.copy_(from.offset);
}

Projection::Projection(torch::nn::Module& owner, const std::string& name, const ProjectionShape& shape)
    : shape_(shape) {
  if (shape.nf4) {
    nf4_ = owner.register_module(name, Nf4Linear(shape));
    return;
  }
  dense_ = owner.register_module(name, Linear(shape.in, shape.out, shape.bias));
  if (WithoutInitialisation::active()) return;
  torch::nn::init::normal_(dense_->weight, 0, kDeviation);
  if (shape.bias) torch::nn::init::zeros_(dense_->bias);
}

void Projection::attach(const Lora& lora, bool merged) {
  lora_ = lora;
  merged_ = merged;
}

at::Tensor Projection::mergedForward(const at::Tensor& x) const {
  const auto weight = nf4_ ? dequantiseNf4(nf4_->matrix, 0, shape_.out, x.scalar_type()) : dense_->weight;
  return kernels::linear(x, weight + lora_->difference().to(weight.scalar_type()), nf4_ ? nf4_->bias : dense_->bias);
}

at::Tensor Projection::forward(const at::Tensor& x) const {
  if (merged_) return mergedForward(x);
  const auto y = nf4_ ? Nf4Linear(nf4_)->forward(x) : Linear(dense_)->forward(x);
  return lora_ ? y + Lora(lora_)->forward(x) : y;
}

}  // namespace eegtorch
