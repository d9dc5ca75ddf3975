#include "signal/scaling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>

#include <cmath>
#include <limits>

#include "core/check.h"
#include "signal/check.h"

namespace eegtorch {

at::Tensor zscore(const at::Tensor& x, int64_t ddof) {
  constexpr auto owner = "zscore";
  checkSignal(owner, x);
  const auto n = x.size(-1);
  OptionCheck(owner).require(ddof >= 0 && ddof < n, "ddof", "from 0 to " + std::to_string(n - 1), std::to_string(ddof));
  const auto unchanging = (x == x.narrow(-1, 0, 1)).all(-1, true);
  auto y = x - x.mean(-1, true);
  const auto deviation = at::linalg_vector_norm(y, 2, -1, true) / std::sqrt(static_cast<double>(n - ddof));
  y.div_(deviation);
  return y.masked_fill_(unchanging, std::numeric_limits<double>::quiet_NaN());
}

at::Tensor detrend(const at::Tensor& x, bool linear) {
  checkSignal("detrend", x);
  const auto n = x.size(-1);
  auto y = x - x.mean(-1, true);
  if (!linear || n == 1) return y;
  const auto time = at::arange(n, x.options()) - static_cast<double>(n - 1) / 2;
  const auto slope = at::matmul(y, time) / at::dot(time, time);
  return y.addcmul_(slope.unsqueeze(-1), time, -1);
}

}  // namespace eegtorch
