#include "signal/euclidean_alignment.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

#include "core/check.h"
#include "core/error.h"
#include "signal/mix_channels.h"

namespace eegtorch {

namespace {

at::Tensor trialPower(const char* owner, const at::Tensor& x) {
  checkChannels(owner, x);
  if (x.dim() < 3 || x.size(-3) == 0)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": trials need another shape",
                "(..., trials, channels, samples), at least one trial", showShape(x.sizes()));
  return at::matmul(x, x.transpose(-1, -2));
}

double epsilonOf(at::ScalarType type) {
  return type == at::kFloat ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
}

}  // namespace

at::Tensor euclideanReference(const at::Tensor& x) { return trialPower("euclidean_reference", x).mean(-3); }

at::Tensor runningReference(const at::Tensor& x) {
  const auto power = trialPower("running_reference", x);
  const auto counts = at::arange(1, x.size(-3) + 1, x.options()).view({-1, 1, 1});
  return power.cumsum(-3).div_(counts);
}

at::Tensor alignTo(const at::Tensor& x, const at::Tensor& reference) {
  constexpr auto owner = "align_to";
  checkChannels(owner, x);
  const auto channels = x.size(-2);
  if (reference.dim() < 2 || reference.size(-1) != channels || reference.size(-2) != channels)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": the reference has another shape",
                "(..., " + std::to_string(channels) + ", " + std::to_string(channels) + ")",
                showShape(reference.sizes()), "reference");
  const auto [values, vectors] = at::linalg_eigh(reference.to(x.device(), at::kDouble));
  const auto smallest = values.amax(-1, true) * (static_cast<double>(channels) * epsilonOf(x.scalar_type()));
  const auto scale = at::where(values > smallest, values.rsqrt(), at::zeros_like(values));
  const auto root = at::matmul(vectors * scale.unsqueeze(-2), vectors.transpose(-1, -2));
  return at::matmul(root.to(x.options()), x);
}

std::pair<at::Tensor, at::Tensor> euclideanAlignment(const at::Tensor& x, const std::string& mode,
                                                     int64_t calibration) {
  const OptionCheck check("euclidean_alignment");
  check.require(mode == "offline" || mode == "calibration" || mode == "running", "mode",
                "offline, calibration or running", mode);
  if (mode == "running") {
    const auto references = runningReference(x);
    return {alignTo(x, references), references};
  }
  auto fitted = x;
  if (mode == "calibration") {
    const auto trials = x.dim() < 3 ? 0 : x.size(-3);
    check.require(calibration >= 1 && calibration <= trials, "calibration",
                  "from 1 to the " + std::to_string(trials) + " trials", std::to_string(calibration));
    fitted = x.narrow(-3, 0, calibration);
  }
  const auto reference = euclideanReference(fitted);
  return {alignTo(x, reference.unsqueeze(-3)), reference};
}

}  // namespace eegtorch
