#include "kernels/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include <mutex>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t grain = 16384;  // elements, a multiple of the 64 that share a draw

uint64_t drawSeed() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

at::Tensor masked(const at::Tensor& x, double probability, uint64_t seed) {
  const auto from = x.contiguous();
  auto out = at::empty_like(from);
  const float* p = from.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  const int64_t n = from.numel();
  at::parallel_for(0, (n + grain - 1) / grain, 1, [&](int64_t first, int64_t last) {
    const int64_t at = first * grain, end = std::min(last * grain, n);
    table().dropout(p + at, to + at, end - at, seed, at, static_cast<float>(probability));
  });
  return out;
}

struct Dropout : torch::autograd::Function<Dropout> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, double probability, int64_t seed) {
    ctx->saved_data["probability"] = probability;
    ctx->saved_data["seed"] = seed;
    return masked(x, probability, seed);
  }

  // The gradient is masked alike; through `apply`, since that is linear and so can be differentiated again.
  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    return {apply(grads[0], ctx->saved_data["probability"].toDouble(), ctx->saved_data["seed"].toInt()), {}, {}};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, double probability, bool training) {
  if (!training || probability == 0) return x;
  if (probability == 1 || !applies({x})) return at::dropout(x, probability, training);
  return Dropout::apply(x, probability, static_cast<int64_t>(drawSeed()));
}

}  // namespace eegtorch::kernels
