#include "signal/principal_components.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/check.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

at::Tensor centred(const at::Tensor& x, const at::Tensor& mean, int64_t from, int64_t count) {
  const auto block = x.narrow(1, from, count);
  return mean.defined() ? block - mean.unsqueeze(1) : block;
}

at::Tensor meanOverTime(const at::Tensor& x) {
  const TimeLanes lanes(x.size(1), x.device(), x.size(0));
  const auto sums = lanes.zeros({x.size(0)}, x.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) { sums[lane].add_(x.narrow(1, from, count).sum(1)); });
  return addLanes(sums) / x.size(1);
}

// For each row of `components` the amplitude that is farthest from zero, with its sign.
at::Tensor extremeAmplitudes(const at::Tensor& components, const at::Tensor& x, const at::Tensor& mean) {
  const TimeLanes lanes(x.size(1), x.device(), components.numel());
  const auto lowest = lanes.zeros({components.size(0)}, x.options());
  const auto highest = lanes.zeros({components.size(0)}, x.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    const auto amplitudes = at::mm(components, centred(x, mean, from, count));
    lowest[lane].copy_(lowest[lane].minimum(amplitudes.amin(1)));
    highest[lane].copy_(highest[lane].maximum(amplitudes.amax(1)));
  });
  at::Tensor low = lowest[0], high = highest[0];
  for (int64_t lane = 1; lane < lanes.count(); lane++) {
    low = low.minimum(lowest[lane]);
    high = high.maximum(highest[lane]);
  }
  return at::where(high >= -low, high, low);
}

// Block by block: isfinite makes an array of amplitudes beside that of its answers.
bool isFinite(const at::Tensor& x) {
  const TimeLanes lanes(x.size(1), x.device(), x.size(0));
  std::vector<char> broken(lanes.count(), 0);
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    if (!broken[lane]) broken[lane] = !x.narrow(1, from, count).isfinite().all().item<bool>();
  });
  return std::none_of(broken.begin(), broken.end(), [](char lane) { return lane; });
}

// Writes matrix x + offset to `result`, (rows, samples); x: (channels, samples).
void filterInto(const at::Tensor& result, const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& offset) {
  const auto level = offset.defined() ? offset.unsqueeze(1) : offset;
  TimeLanes(x.size(1), x.device(), matrix.numel()).run([&](int64_t, int64_t from, int64_t count) {
    auto part = result.narrow(1, from, count);
    const auto block = x.narrow(1, from, count);
    if (level.defined())
      at::addmm_out(part, level, matrix, block);
    else
      at::mm_out(part, matrix, block);
  });
}

}  // namespace

void checkRecording(const char* owner, const at::Tensor& x, const char* rows) {
  checkSignal(owner, x);
  checkInput(owner, x, x, {rows, "samples"});
  if (x.size(0) < 1 || x.size(1) < 2) {
    throw Error("SHAPE_MISMATCH", std::string(owner) + " needs two samples of a channel", "two samples or more",
                showShape(x.sizes()));
  }
  if (!isFinite(x)) {
    throw Error("INVALID_OPTION", std::string(owner) + ": the signal has samples that are not finite numbers",
                "finite samples", "NaN or infinity");
  }
}

at::Tensor scatterMatrix(const at::Tensor& x, const at::Tensor& mean) {
  const TimeLanes lanes(x.size(1), x.device(), x.size(0) * x.size(0));
  const auto sums = lanes.zeros({x.size(0), x.size(0)}, x.options());
  lanes.run([&](int64_t lane, int64_t from, int64_t count) {
    const auto block = centred(x, mean, from, count);
    sums[lane].addmm_(block, block.t());
  });
  return addLanes(sums);
}

at::Tensor spatialFilter(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& offset) {
  constexpr auto owner = "spatial_filter";
  checkSignal(owner, x);
  if (x.dim() < 2)
    throw Error("SHAPE_MISMATCH", "spatial_filter needs channels", "(..., channels, samples)", showShape(x.sizes()));
  checkInput(owner, matrix, x, {"rows", {x.size(-2), "channels"}});
  if (offset.defined()) checkInput(owner, offset, x, {{matrix.size(0), "rows"}});
  auto shape = x.sizes().vec();
  shape[x.dim() - 2] = matrix.size(0);
  const auto result = at::empty(shape, x.options());
  const auto from_all = x.detach().reshape({-1, x.size(-2), x.size(-1)});
  const auto to_all = result.view({-1, matrix.size(0), x.size(-1)});
  const auto weights = matrix.detach(), level = offset.defined() ? offset.detach() : offset;
  for (int64_t i = 0; i < from_all.size(0); i++) filterInto(to_all[i], from_all[i], weights, level);
  return result;
}

at::Tensor sampleBySample(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& offset) {
  const auto result = at::empty({x.size(1), matrix.size(0)}, x.options()).t();
  filterInto(result, x, matrix, offset);
  return result;
}

PrincipalComponents principalComponents(const at::Tensor& x) {
  checkRecording("principal_components", x);
  PrincipalComponents result;
  result.mean = meanOverTime(x);
  const auto covariance = scatterMatrix(x, result.mean) / (x.size(1) - 1);
  onOneThread([&] {
    const auto [values, vectors] = at::linalg_eigh(covariance);
    result.variances = values.flip(0).clamp_min(0);
    result.components = vectors.t().flip(0).contiguous();
  });
  const auto turned = extremeAmplitudes(result.components, x, result.mean) < 0;
  result.components = at::where(turned.unsqueeze(1), -result.components, result.components);
  return result;
}

}  // namespace eegtorch
