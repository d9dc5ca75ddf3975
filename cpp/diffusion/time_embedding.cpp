#include "diffusion/time_embedding.h"

#include <ATen/Functions.h>

#include <cmath>

#include "core/check.h"
#include "core/error.h"
#include "diffusion/in_place.h"

namespace eegtorch {

namespace {

constexpr double kLongestPeriod = 10000;

}  // namespace

at::Tensor sinusoids(const at::Tensor& values, const SinusoidOptions& o) {
  const int64_t half = o.width / 2;
  const auto ranks = at::arange(half, values.options().dtype(at::kFloat));
  const auto frequencies = at::exp(-std::log(kLongestPeriod) * ranks / (static_cast<double>(half) - o.shift));
  const auto angles = values.to(at::kFloat).unsqueeze(1) * frequencies;  // (count, half)
  const auto sines = at::sin(angles), cosines = at::cos(angles);
  const auto both = o.cosines_first ? at::cat({cosines, sines}, 1) : at::cat({sines, cosines}, 1);
  return o.width % 2 == 0 ? both : at::constant_pad_nd(both, {0, 1});
}

at::Tensor timeStepsOf(const char* owner, const at::Tensor& given, int64_t batch, at::Device device) {
  const bool fits = given.dim() == 0 || (given.dim() == 1 && (given.size(0) == 1 || given.size(0) == batch));
  if (!fits)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": timestep has another shape",
                "() or (" + std::to_string(batch) + ")", showShape(given.sizes()), "timestep");
  if (given.is_complex() || given.scalar_type() == at::kBool)
    throw Error("DTYPE_MISMATCH", std::string(owner) + ": timestep has another dtype", "integers or real numbers",
                given.dtype().name().data(), "timestep");
  return given.to(device).reshape({-1}).expand({batch});
}

TimeEmbeddingImpl::TimeEmbeddingImpl(int64_t in, int64_t out, bool bias) {
  linear_1_ = register_module("linear_1", Linear(in, out, bias));
  linear_2_ = register_module("linear_2", Linear(out, out, bias));
}

at::Tensor TimeEmbeddingImpl::forward(const at::Tensor& x) { return linear_2_->forward(siluOf(linear_1_->forward(x))); }

}  // namespace eegtorch
