#include "kernels/layer_norm.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kGrain = 1 << 15;  // numbers that are worth another thread

bool fits(const at::Tensor& x, const torch::nn::LayerNormImpl& norm) {
  const auto& shape = norm.options.normalized_shape();
  return shape.size() == 1 && x.dim() > 0 && x.size(-1) == shape[0] && applies({x, norm.weight, norm.bias}) &&
         !isRecorded({x, norm.weight, norm.bias});
}

const float* numbersOf(const at::Tensor& parameter) {
  return parameter.defined() ? parameter.const_data_ptr<float>() : nullptr;
}

}  // namespace

at::Tensor layerNorm(const at::Tensor& x, torch::nn::LayerNormImpl& norm, bool gelu) {
  if (!fits(x, norm)) {
    const auto y = norm.forward(x);
    return gelu ? at::gelu(y) : y;
  }
  const auto in = x.contiguous(), weight = norm.weight.defined() ? norm.weight.contiguous() : norm.weight,
             bias = norm.bias.defined() ? norm.bias.contiguous() : norm.bias, out = at::empty_like(in);
  const int64_t n = in.size(-1);
  const float* from = in.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, in.numel() / n, kGrain / n + 1, [&](int64_t first, int64_t last) {
    rowTable().layer_norm(from + first * n, to + first * n,
                          {static_cast<size_t>(last - first), static_cast<size_t>(n), numbersOf(weight),
                           numbersOf(bias), static_cast<float>(norm.options.eps()), gelu});
  });
  return out;
}

}  // namespace eegtorch::kernels
