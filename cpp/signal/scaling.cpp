#include "signal/scaling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.h"
#include "signal/check.h"
#include "signal/rows.h"

namespace eegtorch {

namespace {

// Least-squares lines of rows (rows, samples) of mean 0 are taken from them, piece by piece: a long recording's times
// are an array worth saving.
void removeLines(const at::Tensor& rows) {
  const auto n = rows.size(1), length = bufferSize(rows);
  const auto middle = static_cast<double>(n - 1) / 2;
  const auto overPieces = [&](const auto& body) {
    for (int64_t from = 0; from < n; from += length) {
      const auto to = std::min(n, from + length);
      body(rows.narrow(1, from, to - from), at::arange(from, to, rows.options()).sub_(middle));
    }
  };
  auto slopes = at::zeros({rows.size(0)}, rows.options());
  overPieces([&](const at::Tensor& piece, const at::Tensor& time) { slopes.add_(at::matmul(piece, time)); });
  const auto samples = static_cast<double>(n);
  slopes.mul_(12).div_(samples * (samples * samples - 1));  // over the sum of squared times
  overPieces([&](at::Tensor piece, const at::Tensor& time) { piece.addcmul_(slopes.unsqueeze(-1), time, -1); });
}

}  // namespace

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
  auto y = at::empty(x.sizes(), x.options());
  at::sub_out(y, x, x.mean(-1, true));
  if (linear && n > 1) {
    const auto rows = y.view({-1, n});
    overRows(y, rows.size(0), n, [&](int64_t from, int64_t to) { removeLines(rows.narrow(0, from, to - from)); });
  }
  return y;
}

}  // namespace eegtorch
