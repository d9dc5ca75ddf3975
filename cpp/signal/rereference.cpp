#include "signal/rereference.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sub.h>

#include <tuple>

#include "core/check.h"
#include "core/error.h"
#include "signal/channels.h"
#include "signal/rows.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

// Directions whose singular value is below this share of the largest say nothing new.
constexpr double kDependent = 1e-2;

// The mean of some channels, or of all where none is named: (..., 1, samples).
at::Tensor meanOf(const at::Tensor& x, at::IntArrayRef channels) {
  if (channels.empty()) return x.mean(-2, true);
  auto sum = x.select(-2, channels[0]).clone();
  for (const auto channel : channels.slice(1)) sum.add_(x.select(-2, channel));
  return sum.div_(static_cast<double>(channels.size())).unsqueeze(-2);
}

}  // namespace

at::Tensor rereference(const at::Tensor& x, at::IntArrayRef reference) {
  constexpr auto owner = "rereference";
  checkChannels(owner, x);
  checkChannelNumbers(owner, "reference", x, reference);
  const auto input = x.detach(), y = at::empty(x.sizes(), x.options());
  overTime(input, [&](int64_t from, int64_t length) {
    const auto piece = input.narrow(-1, from, length);
    auto out = y.narrow(-1, from, length);
    at::sub_out(out, piece, meanOf(piece, reference));
  });
  return y;
}

at::Tensor bipolar(const at::Tensor& x, at::IntArrayRef anode, at::IntArrayRef cathode) {
  constexpr auto owner = "bipolar";
  checkChannels(owner, x);
  const OptionCheck check(owner);
  check.require(!anode.empty() && anode.size() == cathode.size(), "pairs", "one or more pairs of channels",
                std::to_string(anode.size()) + " and " + std::to_string(cathode.size()));
  const auto pairs = static_cast<int64_t>(anode.size());
  auto result = at::empty(shapeLike(x, 2, {pairs, x.size(-1)}), x.options());
  for (int64_t i = 0; i < pairs; i++) {
    for (const auto channel : {anode[i], cathode[i]})
      check.require(channel >= 0 && channel < x.size(-2), "pairs",
                    "channels from 0 to " + std::to_string(x.size(-2) - 1), std::to_string(channel));
    auto out = result.select(-2, i);
    at::sub_out(out, x.select(-2, anode[i]), x.select(-2, cathode[i]));
  }
  return result;
}

std::pair<at::Tensor, at::Tensor> powerDirections(const at::Tensor& x, int64_t count) {
  constexpr auto owner = "power_directions";
  checkChannels(owner, x);
  const auto channels = x.size(-2);
  OptionCheck(owner).require(count >= 1 && count <= channels, "count",
                             "from 1 to the " + std::to_string(channels) + " channels", std::to_string(count));
  const auto power = at::matmul(x, x.transpose(-1, -2)).reshape({-1, channels, channels}).to(at::kDouble).sum(0);
  at::Tensor values, vectors;  // rising
  onOneThread([&] { std::tie(values, vectors) = at::linalg_eigh(power); });
  auto directions = vectors.narrow(1, channels - count, count).flip(1).t().contiguous();
  const auto largest = directions.gather(1, directions.abs().argmax(1, true));
  const auto shares = values.narrow(0, channels - count, count).flip(0) / values.sum();
  return {directions.mul_(largest.sign()).to(x.options()), shares.to(x.options())};
}

at::Tensor projectOut(const at::Tensor& x, const at::Tensor& directions) {
  constexpr auto owner = "project_out";
  checkChannels(owner, x);
  checkInput(owner, directions, x, {"directions", {x.size(-2), "channels"}});
  const auto length = directions.norm(2, 1, true);
  at::Tensor u, values;
  onOneThread([&] {
    std::tie(u, values, std::ignore) = at::linalg_svd((directions / length.masked_fill(length == 0, 1)).t(), false);
  });
  if (values.numel() == 0 || values[0].item<double>() == 0) return x.clone();
  const auto kept = (values / values[0] > kDependent).sum().item<int64_t>();
  const auto basis = u.narrow(1, 0, kept);  // (channels, kept)
  const auto input = x.detach(), y = at::empty(x.sizes(), x.options());
  overTime(input, [&](int64_t from, int64_t length) {
    const auto piece = input.narrow(-1, from, length);
    auto out = y.narrow(-1, from, length);
    at::sub_out(out, piece, at::matmul(basis, at::matmul(basis.t(), piece)));
  });
  return y;
}

}  // namespace eegtorch
