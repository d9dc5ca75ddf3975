#include "blocks/packed_linear.h"

#include <ATen/Functions.h>

#include "kernels/linear.h"

namespace eegtorch {

namespace {

constexpr int64_t kMostRows = 256;  // more pay MKL back what it spends on packing

at::Tensor damped(const at::Tensor& x, double slope) {
  if (slope == 1) return x;
  return slope == 0 ? at::relu(x) : at::leaky_relu(x, slope);
}

}  // namespace

PackedLinear::PackedLinear(const at::Tensor& weight, const at::Tensor& bias, double slope)
    : tensors_{weight, bias}, slope_(slope) {}

at::Tensor PackedLinear::forward(const at::Tensor& x, bool training) {
  const auto &weight = tensors_[0], &bias = tensors_[1];
  const int64_t depth = weight.size(1), columns = weight.size(0);
  if (x.size(-1) != depth) return at::linear(x, weight, bias);  // which says so
  const auto rows = x.reshape({-1, depth});
  const auto product = packed_.inferring({training, rows, kMostRows}, tensors_, [&] {
    const at::NoGradGuard no_grad;
    return kernels::PackedProduct(weight.t(), bias, rows.size(0));
  });
  if (!product) return damped(kernels::linear(x, weight, bias), slope_);
  auto sizes = x.sizes().vec();
  sizes.back() = columns;
  const auto in = rows.stride(1) == 1 ? rows : rows.contiguous(), out = at::empty(sizes, x.options());
  const kernels::RowBlock all{in.size(0), in.const_data_ptr<float>(), in.stride(0), out.data_ptr<float>(), columns};
  product->run({all}, false, static_cast<float>(slope_));
  return out;
}

}  // namespace eegtorch
