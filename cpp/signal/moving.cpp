#include "signal/moving.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "core/check.h"
#include "signal/check.h"
#include "signal/side_by_side.h"
#include "signal/tiles.h"

namespace eegtorch {

namespace {

constexpr size_t kNumbers = 3;  // of a state: weight, sum, sum of squares
constexpr size_t kMost = kernels::kSideBySide;

void checkOptions(const char* owner, const MovingOptions& options, bool continues) {
  const OptionCheck check(owner);
  check.positive("factor_new", options.factor_new);
  check.fraction("factor_new", options.factor_new);
  check.weight("eps", options.eps);
  if (!options.init_block_size) return;
  check.size("init_block_size", *options.init_block_size);
  check.require(!continues, "init_block_size", "none where a signal goes on", std::to_string(*options.init_block_size));
}

// The first samples by their own mean and deviation, in place of what the moving ones made of them.
void standardiseStart(const at::Tensor& x, at::Tensor& y, const MovingOptions& options) {
  const auto samples = std::min(*options.init_block_size, x.size(-1));
  const auto start = x.narrow(-1, 0, samples).to(at::kDouble);
  auto centred = start - start.mean(-1, true);
  if (options.scale) centred.div_(start.std(-1, /*unbiased=*/false, true).clamp_min(options.eps));
  y.narrow(-1, 0, samples).copy_(centred);
}

template <class Number>
void standardiseGroup(const SideBySide<const Number>& x, const SideBySide<Number>& y, int64_t samples, double* state,
                      const MovingOptions& options) {
  std::vector<double> tile(kTile * kMost), sums(kNumbers * kMost);
  for (size_t s = 0; s < x.count(); s++)
    for (size_t i = 0; i < kNumbers; i++) sums[i * kMost + s] = state[s * kNumbers + i];
  const kernels::Moving moving{1 - options.factor_new, options.eps, options.scale};
  forEachTile(samples, [&](int64_t start, size_t n) {
    x.gather(start, 1, n, tile.data());
    signalTable().moving(tile.data(), n, moving, sums.data());
    y.scatter(tile.data(), start, 1, n);
  });
  for (size_t s = 0; s < x.count(); s++)
    for (size_t i = 0; i < kNumbers; i++) state[s * kNumbers + i] = sums[i * kMost + s];
}

at::Tensor startingState(const char* owner, const at::Tensor& x, const std::optional<at::Tensor>& given) {
  auto sizes = x.sizes().vec();
  sizes.back() = static_cast<int64_t>(kNumbers);
  auto rest = at::zeros(sizes, at::kDouble);
  if (!given) return rest;
  checkAlike(owner, *given, rest);
  return given->detach().clone(at::MemoryFormat::Contiguous);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> movingStandardise(const at::Tensor& x, const MovingOptions& options,
                                                     const std::optional<at::Tensor>& given) {
  constexpr auto owner = "exponential_standardize";
  checkSignal(owner, x);
  checkOptions(owner, options, given.has_value());
  const auto input = x.detach().cpu().contiguous();
  auto state = startingState(owner, x, given);
  auto y = at::empty_like(input);
  const auto samples = x.size(-1);
  withNumber(x, [&]<class Number>() {
    forEachGroup(x.numel() / samples, [&](int64_t first, int64_t count) {
      const auto size = static_cast<size_t>(count);
      const SideBySide<const Number> from(input.const_data_ptr<Number>() + first * samples, size, samples);
      const SideBySide<Number> to(y.mutable_data_ptr<Number>() + first * samples, size, samples);
      standardiseGroup(from, to, samples, state.mutable_data_ptr<double>() + first * static_cast<int64_t>(kNumbers),
                       options);
    });
  });
  if (options.init_block_size) standardiseStart(input, y, options);
  return {y.to(x.device()), state};
}

}  // namespace eegtorch
