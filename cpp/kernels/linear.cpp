#include "kernels/linear.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using OneDnnLinear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                std::string_view, c10::List<std::optional<at::Scalar>>,
                                std::optional<std::string_view>);

constexpr int64_t kFewestRows = 8;               // below, MKL is the faster one
constexpr int64_t kSmallestWeight = 256 * 1024;  // likewise
// Where MKL is slow: what is worth oneDNN's preparations.
constexpr int64_t kManyRows = 64, kSmallWeight = 32 * 1024;
// With gradients: few rows before a matrix that no cache holds, where MKL reads and writes more than it must.
constexpr int64_t kMostTrainedRows = 256;
constexpr int64_t kSmallestTrainedWeight = 4 * 1024 * 1024;
constexpr int64_t kSmallestStreamed = 256 * 1024;  // of which few rows' products are left to memory's speed
constexpr int64_t kStreams = 8;                    // rows of a matrix that `dots` reads at a time

// LibTorch's own operator, which its header lacks; nothing where it is built without oneDNN.
const std::optional<c10::TypedOperatorHandle<OneDnnLinear>>& oneDnnLinear() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<OneDnnLinear>> {
    if (!at::globalContext().hasMKLDNN()) return std::nullopt;
    const auto handle = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!handle) return std::nullopt;
    return handle->typed<OneDnnLinear>();
  }();
  return found;
}

bool manyRows(const at::Tensor& x, const at::Tensor& weight) {
  if (x.dim() < 2 || weight.dim() != 2 || x.size(-1) != weight.size(1)) return false;
  const int64_t rows = x.numel() / std::max<int64_t>(1, weight.size(1));
  return (rows >= kFewestRows && weight.numel() >= kSmallestWeight) ||
         (!isMklFast() && rows >= kManyRows && weight.numel() >= kSmallWeight);
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {}) {
  const auto added = bias.defined() ? std::optional(bias) : std::nullopt;
  return oneDnnLinear()->call(x, weight, added, "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

// grad^T x. A sum over many rows is what MKL does well everywhere.
at::Tensor weightGradient(const at::Tensor& x, const at::Tensor& grad) {
  return x.size(0) > kMostTrainedRows ? at::mm(grad.t(), x) : product(grad.t(), x.t());
}

struct TrainedLinear : torch::autograd::Function<TrainedLinear> {
  using Context = torch::autograd::AutogradContext;

  // Autograd takes no undefined tensor, but one that may be absent.
  static at::Tensor forward(Context* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& given_bias) {
    const auto bias = given_bias.value_or(at::Tensor());
    ctx->save_for_backward({x, weight, bias});
    return product(x, weight, bias);
  }

  static variable_list backward(Context* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto needed = [&](size_t i) { return saved[i].defined() && ctx->needs_input_grad(i); };
    if (at::GradMode::is_enabled())
      return plainGradients([](const variable_list& in) { return at::linear(in[0], in[1], in[2]); }, saved, grads[0],
                            {needed(0), needed(1), needed(2)});
    const auto x = saved[0].flatten(0, -2), grad = grads[0].flatten(0, -2);
    variable_list result(3);
    if (needed(0)) result[0] = product(grad, saved[1].t()).view_as(saved[0]);
    if (needed(1)) result[1] = weightGradient(x, grad);
    if (needed(2)) result[2] = grad.sum(0);
    return result;
  }
};

bool fewRows(const at::Tensor& x, const at::Tensor& weight) {
  return x.dim() >= 1 && weight.dim() == 2 && weight.numel() >= kSmallestStreamed && x.size(-1) == weight.size(1) &&
         x.numel() > 0 && x.numel() < kFewestRows * weight.size(1);
}

// MKL reads one row of the matrix after the other, which keeps memory waiting, and all of it again for each row of x.
at::Tensor streamed(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t in = weight.size(1), out = weight.size(0);
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  auto result = at::empty(sizes, x.options());
  if (bias.defined())
    result.copy_(bias);
  else
    result.zero_();
  const auto given = x.contiguous();
  const auto count = static_cast<size_t>(x.numel() / in);
  const float *from = given.const_data_ptr<float>(), *numbers = weight.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  at::parallel_for(0, (out + kStreams - 1) / kStreams, 1, [&](int64_t a, int64_t b) {
    for (int64_t first = a * kStreams; first < std::min(out, b * kStreams); first += kStreams) {
      const auto streams = static_cast<size_t>(std::min(kStreams, out - first));
      table().dots(count, in, {1, streams, 0, static_cast<size_t>(in)}, from, in, numbers + first * in, to + first,
                   out);
    }
  });
  return result;
}

bool fewRowsOfHuge(const at::Tensor& x, const at::Tensor& weight) {
  return x.dim() == 2 && x.size(0) <= kMostTrainedRows && weight.numel() >= kSmallestTrainedWeight;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!weight.is_contiguous() || !applies({x, weight, bias})) return at::linear(x, weight, bias);
  const bool recorded = isRecorded({x, weight, bias});
  if (!recorded && fewRows(x, weight)) return streamed(x, weight, bias);
  if (!manyRows(x, weight) || !at::globalContext().userEnabledMkldnn() || !oneDnnLinear())
    return at::linear(x, weight, bias);
  if (!recorded) return product(x, weight, bias);
  const bool trained = !isMklFast() || fewRowsOfHuge(x, weight);
  if (!trained) return at::linear(x, weight, bias);
  return TrainedLinear::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
}

}  // namespace eegtorch::kernels
