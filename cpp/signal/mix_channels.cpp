#include "signal/mix_channels.h"

#include <ATen/ops/matmul.h>

#include <algorithm>

#include "core/check.h"
#include "core/error.h"
#include "signal/check.h"

namespace eegtorch {

void checkChannels(const char* owner, const at::Tensor& x) {
  checkSignal(owner, x);
  if (x.dim() >= 2 && x.size(-2) >= 1) return;
  throw Error("SHAPE_MISMATCH", std::string(owner) + ": signals need another shape",
              "(..., channels, samples), at least one channel", showShape(x.sizes()));
}

void checkChannelNumbers(const char* owner, const char* option, const at::Tensor& x, at::IntArrayRef channels) {
  std::vector<bool> seen(x.size(-2));
  for (const auto channel : channels) {
    const bool valid = channel >= 0 && channel < x.size(-2) && !seen[channel];
    OptionCheck(owner).require(valid, option, "channels from 0 to " + std::to_string(x.size(-2) - 1) + ", each once",
                               std::to_string(channel));
    seen[channel] = true;
  }
}

std::vector<int64_t> otherChannels(const at::Tensor& x, at::IntArrayRef channels) {
  std::vector<int64_t> others;
  for (int64_t i = 0; i < x.size(-2); i++)
    if (std::find(channels.begin(), channels.end(), i) == channels.end()) others.push_back(i);
  return others;
}

at::Tensor mixChannels(const at::Tensor& weights, const at::Tensor& x, at::IntArrayRef inputs) {
  const auto own = weights.to(x.options());
  at::Tensor result;
  // Neighbouring channels are one matrix product; the recording is not copied.
  for (size_t from = 0; from < inputs.size();) {
    size_t to = from + 1;
    while (to < inputs.size() && inputs[to] == inputs[to - 1] + 1) to++;
    const auto count = static_cast<int64_t>(to - from);
    const auto part = own.narrow(1, static_cast<int64_t>(from), count);
    const auto channels = x.narrow(-2, inputs[from], count);
    if (!result.defined()) {
      result = at::matmul(part, channels);
    } else if (x.dim() == 2) {
      result.addmm_(part, channels);
    } else {
      result.add_(at::matmul(part, channels));
    }
    from = to;
  }
  return result;
}

}  // namespace eegtorch
