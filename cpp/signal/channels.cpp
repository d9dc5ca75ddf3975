#include "signal/channels.h"

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

}  // namespace eegtorch
