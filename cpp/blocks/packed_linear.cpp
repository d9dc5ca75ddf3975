#include "blocks/packed_linear.h"

#include <ATen/Functions.h>

#include <limits>

#include "kernels/dispatch.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

// Of many rows this long MKL copies those that lie a power of two apart, which would push each other out of the cache.
constexpr int64_t kLongRow = 1024, kManyRows = 256;

at::Tensor activated(const at::Tensor& x, kernels::Activation activation) {
  if (activation.gelu) return at::gelu(x);
  if (activation.slope == 1) return x;
  return activation.slope == 0 ? at::relu(x) : at::leaky_relu(x, activation.slope);
}

// Rows of a matrix, numbers of each next to each other.
at::Tensor rowsOf(const at::Tensor& x) {
  const auto rows = x.reshape({-1, x.size(-1)});
  return rows.stride(1) == 1 ? rows : rows.contiguous();
}

}  // namespace

PackedLinear::PackedLinear(const at::Tensor& weight, const at::Tensor& bias, Activation activation,
                           std::optional<Rows> rows)
    : tensors_{weight, bias}, activation_(activation), rows_(rows) {}

at::Tensor PackedLinear::own(const at::Tensor& parameter) const {
  return rows_ && parameter.defined() ? parameter.narrow(0, rows_->first, rows_->count) : parameter;
}

at::Tensor PackedLinear::plain(const at::Tensor& x) const {
  return activated(kernels::linear(x, own(tensors_[0]), own(tensors_[1])), activation_);
}

at::Tensor PackedLinear::inferred(const at::Tensor& x, const at::Tensor& added, bool training) {
  if (x.size(-1) != tensors_[0].size(1)) return {};
  const auto rows = rowsOf(x);
  const int64_t most = rows.size(1) > kLongRow ? kManyRows : std::numeric_limits<int64_t>::max();
  const auto product = packed_.inferring({training, rows, most}, tensors_, [&] {
    const at::NoGradGuard no_grad;
    return kernels::PackedProduct(own(tensors_[0]).t(), own(tensors_[1]), rows.size(0));
  });
  if (!product || (added.defined() && !kernels::applies({added}))) return {};
  auto sizes = x.sizes().vec();
  sizes.back() = product->columns();
  const auto out = at::empty(sizes, x.options());
  kernels::RowBlock all{rows.size(0), rows.const_data_ptr<float>(), rows.stride(0), out.data_ptr<float>(),
                        sizes.back()};
  const auto above = added.defined() ? rowsOf(added) : added;
  if (added.defined()) all.added = above.const_data_ptr<float>(), all.added_row = above.stride(0);
  product->run({all}, false, activation_);
  return out;
}

at::Tensor PackedLinear::forward(const at::Tensor& x, bool training) {
  const auto y = inferred(x, {}, training);
  return y.defined() ? y : plain(x);
}

at::Tensor PackedLinear::addTo(const at::Tensor& added, const at::Tensor& x, Dropout& dropout) {
  const bool followed = kernels::isRecorded({added});
  const auto y = followed ? at::Tensor() : inferred(x, added, dropout->is_training());
  return y.defined() ? y : added + dropout->forward(plain(x));
}

}  // namespace eegtorch
