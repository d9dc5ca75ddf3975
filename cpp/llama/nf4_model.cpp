#include "llama/nf4_model.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/nn/init.h>

#include "core/check.h"
#include "llama/nf4.h"

namespace eegtorch {

std::vector<std::string> Nf4Config::outputs() const {
  std::vector<std::string> names = {"weight", "weight.absmax", "weight.quant_map"};
  if (double_quant) names.insert(names.end(), {"weight.nested_absmax", "weight.nested_quant_map"});
  names.insert(names.end(), {"offset", "dequantised", "output"});
  return names;
}

Nf4Impl::Nf4Impl(const Nf4Config& config) : config_(config) {
  const OptionCheck options("nf4");
  options.size("in_features", config.in_features);
  options.size("out_features", config.out_features);
  options.size("blocksize", config.blocksize);
  const bool even = config.in_features % 2 == 0 || config.out_features % 2 == 0;
  options.require(even, "in_features", "an even number of weights", std::to_string(config.in_features));
  weight_ = register_parameter("weight", at::randn({config.out_features, config.in_features}), false);
  if (config.bias) bias_ = register_parameter("bias", at::zeros({config.out_features}));
}

std::vector<at::Tensor> Nf4Impl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor& x = inputs.at(0);
  checkInput("nf4", x, weight_, {"batch", {config_.in_features, "values"}});
  const auto matrix = quantiseNf4(weight_, config_.blocksize, config_.double_quant);
  const auto y = nf4Linear(x, matrix);
  std::vector<at::Tensor> outputs = {matrix.codes, matrix.absmax, matrix.map};
  if (matrix.nested()) outputs.insert(outputs.end(), {matrix.nested_absmax, matrix.nested_map});
  outputs.push_back(matrix.nested() ? matrix.offset : at::zeros({}));
  outputs.push_back(dequantiseNf4(matrix, 0, matrix.out, x.scalar_type()));
  outputs.push_back(bias_.defined() ? y + bias_ : y);
  return outputs;
}

}  // namespace eegtorch
