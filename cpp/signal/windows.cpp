#include "signal/windows.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <vector>

#include "core/check.h"

namespace eegtorch {

namespace {

constexpr double kTukeyShare = 0.25;

double tukey(double position) {
  const double edge = std::min(position, 1 - position) / (kTukeyShare / 2);
  return edge >= 1 ? 1 : 0.5 * (1 - std::cos(M_PI * edge));
}

// position: 0 .. 1 of the window's period.
double valueAt(const std::string& name, double position) {
  const double turn = 2 * M_PI * position;
  if (name == "hann") return 0.5 - 0.5 * std::cos(turn);
  if (name == "hamming") return 0.54 - 0.46 * std::cos(turn);
  if (name == "blackman") return 0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn);
  return name == "tukey" ? tukey(position) : 1;
}

}  // namespace

at::Tensor makeWindow(const char* owner, const std::string& name, int64_t length) {
  const bool known = name == "boxcar" || name == "hann" || name == "hamming" || name == "blackman" || name == "tukey";
  OptionCheck(owner).require(known, "window", "boxcar, hann, hamming, blackman or tukey", name);
  auto window = at::empty({length}, at::kDouble);
  auto* values = window.mutable_data_ptr<double>();
  for (int64_t i = 0; i < length; i++)
    values[i] = length == 1 ? 1 : valueAt(name, static_cast<double>(i) / static_cast<double>(length));
  return window;
}

}  // namespace eegtorch
