#include "llama/nf4_linear.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>

#include "blocks/layers.h"
#include "core/check.h"
#include "core/full_precision.h"

namespace eegtorch {

namespace {

// What autocast would convert an operator's input to: it does not look inside operators of our own.
at::Tensor autocastInput(const at::Tensor& x) {
  const auto device = x.device().type();
  return at::autocast::is_autocast_enabled(device) ? x.to(at::autocast::get_autocast_dtype(device)) : x;
}

const Nf4LinearConfig& checked(const Nf4LinearConfig& config) {
  const OptionCheck options("nf4_linear");
  options.size("in_features", config.in_features);
  options.size("out_features", config.out_features);
  options.size("blocksize", config.blocksize);
  const bool even = config.in_features % 2 == 0 || config.out_features % 2 == 0;
  options.require(even, "in_features", "an even number of weights", std::to_string(config.in_features));
  return config;
}

}  // namespace

Nf4LinearImpl::Nf4LinearImpl(const Nf4LinearConfig& config) : config_(checked(config)) {
  const auto& [in, out, bias, block, nested] = config_;
  matrix_ = WithoutInitialisation::active() ? emptyNf4(out, in, block, nested)
                                            : quantiseNf4(at::randn({out, in}) * kLlamaDeviation, block, nested);
  matrix_.codes = register_buffer("weight", matrix_.codes);
  const auto state = register_module("weight", std::make_shared<FullPrecision>());
  const auto add = [&](const char* name, at::Tensor& tensor) { tensor = state->register_buffer(name, tensor); };
  add("absmax", matrix_.absmax);
  add("quant_map", matrix_.map);
  if (nested) {
    add("nested_absmax", matrix_.nested_absmax);
    add("nested_quant_map", matrix_.nested_map);
    add("nested_offset", matrix_.offset);
  }
  if (bias) bias_ = register_parameter("bias", at::zeros({out}));
}

std::vector<at::Tensor> Nf4LinearImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor& x = inputs.at(0);
  checkInput("nf4_linear", x, bias_.defined() ? bias_ : x, {"batch", {config_.in_features, "values"}});
  return {forward(x)};
}

std::vector<at::Tensor> Nf4LinearImpl::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  if (method != "dequantise") refuseMethod(method, "dequantise");
  expectInputs(method, inputs, 0);
  return {dequantised(at::kFloat)};
}

at::Tensor Nf4LinearImpl::forward(const at::Tensor& x) {
  const auto y = nf4Linear(autocastInput(x), matrix_);
  return bias_.defined() ? y + bias_.to(y.scalar_type()) : y;
}

at::Tensor Nf4LinearImpl::dequantised(at::ScalarType dtype) const {
  return dequantiseNf4(matrix_, 0, config_.out_features, dtype);
}

void Nf4LinearImpl::takeDense(const at::Tensor& weight, at::Device device) {
  const at::NoGradGuard no_grad;
  const auto from = quantiseNf4(weight, matrix_.block, matrix_.nested());
  const auto take = [&](at::Tensor& own, const at::Tensor& given) { own.set_data(given.to(device)); };
  take(matrix_.codes, from.codes);
  take(matrix_.absmax, from.absmax);
  take(matrix_.map, from.map);
  if (!matrix_.nested()) return;
  take(matrix_.nested_absmax, from.nested_absmax);
  take(matrix_.nested_map, from.nested_map);
  take(matrix_.offset, from.offset);
}

}  // namespace eegtorch
