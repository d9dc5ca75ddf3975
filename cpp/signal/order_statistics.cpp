#include "signal/order_statistics.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace eegtorch {

namespace {

// A place between two sorted values.
struct Place {
  int64_t below;
  double above;  // share of the next value

  static Place at(double index) {
    const auto below = static_cast<int64_t>(std::floor(index));
    return {below, index - static_cast<double>(below)};
  }
};

// Where a sample's quantile lies among n sorted values.
Place placeOf(double share, int64_t n) {
  if (n == 1) return {0, 0};
  const auto count = static_cast<double>(n);
  const double adjusted = (share - 0.5) * count / (count - 1) + 0.5;
  return Place::at((count - 1) * std::clamp(adjusted, 0., 1.));
}

Place middle(int64_t n) { return Place::at(static_cast<double>(n - 1) / 2); }

// The value at a place, which leaves the values partly sorted. NaN where there is one, for it has no place.
template <class Number>
Number valueAt(Number* values, int64_t n, Place place) {
  std::nth_element(values, values + place.below, values + n);
  const Number below = values[place.below];
  if (place.above == 0) return below;
  const Number next = *std::min_element(values + place.below + 1, values + n);
  return static_cast<Number>(below + (next - below) * place.above);
}

// body(values, n) -> number, for a scratch copy of each signal.
template <class Body>
at::Tensor overSignals(const at::Tensor& x, const Body& body) {
  const auto n = x.size(-1);
  const auto rows = x.reshape({-1, n});
  auto result = at::empty({rows.size(0)}, x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "order_statistics", [&] {
    at::parallel_for(0, rows.size(0), 1, [&](int64_t from, int64_t to) {
      std::vector<scalar_t> scratch(n);
      for (int64_t row = from; row < to; row++) {
        const auto source = rows[row].contiguous();
        const auto* values = source.template const_data_ptr<scalar_t>();
        const bool unordered = std::any_of(values, values + n, [](scalar_t value) { return std::isnan(value); });
        std::copy(values, values + n, scratch.data());
        result.template mutable_data_ptr<scalar_t>()[row] =
            unordered ? std::numeric_limits<scalar_t>::quiet_NaN() : body(scratch.data(), n);
      }
    });
  });
  return result.reshape(x.sizes().slice(0, x.dim() - 1));
}

at::Tensor between(const at::Tensor& sorted, Place place) {
  const auto below = sorted.select(-1, place.below);
  return place.above == 0 ? below : below + (sorted.select(-1, place.below + 1) - below) * place.above;
}

// The same on other devices, where sorting is fast.
at::Tensor sortedValue(const at::Tensor& x, Place place) {
  const auto value = between(std::get<0>(x.sort(-1)), place);
  return value.masked_fill(x.isnan().any(-1), std::numeric_limits<double>::quiet_NaN());
}

at::Tensor valueOf(const at::Tensor& x, Place place) {
  if (!x.is_cpu()) return sortedValue(x, place);
  return overSignals(x, [&](auto* values, int64_t n) { return valueAt(values, n, place); });
}

}  // namespace

at::Tensor medianOf(const at::Tensor& x) { return valueOf(x, middle(x.size(-1))); }

at::Tensor medianDeviation(const at::Tensor& x) {
  if (!x.is_cpu()) return medianOf((x - medianOf(x).unsqueeze(-1)).abs());
  return overSignals(x, [](auto* values, int64_t n) {
    const auto centre = valueAt(values, n, middle(n));
    for (int64_t i = 0; i < n; i++) values[i] = std::abs(values[i] - centre);
    return valueAt(values, n, middle(n));
  });
}

at::Tensor sampleQuantile(const at::Tensor& x, double share) { return valueOf(x, placeOf(share, x.size(-1))); }

at::Tensor quartileRange(const at::Tensor& x) {
  if (!x.is_cpu()) return sampleQuantile(x, 0.75) - sampleQuantile(x, 0.25);
  return overSignals(x, [](auto* values, int64_t n) {
    const auto upper = valueAt(values, n, placeOf(0.75, n));
    return upper - valueAt(values, n, placeOf(0.25, n));
  });
}

}  // namespace eegtorch
