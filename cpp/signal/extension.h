// What a signal is taken to be beyond its ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace eegtorch {

enum class Extension {
  kConstant,   // 0
  kEdge,       // the end sample
  kReflect,    // mirrored at the end sample
  kSymmetric,  // mirrored beyond the end sample
  kLine,       // along the line through first and last sample
  kOdd,        // turned about the end sample for one length of the signal, then 0: MNE's reflect_limited
};

// 'constant', 'edge', 'reflect', 'symmetric', 'line', 'reflect_limited'. Throws INVALID_OPTION.
Extension extensionFromName(const char* owner, const std::string& name);

namespace extensions {

// index in [0, period): of a signal that goes there and back for ever.
inline int64_t fold(int64_t index, int64_t period) {
  const auto rest = index % period;
  return rest < 0 ? rest + period : rest;
}

template <class Number>
double odd(const Number* x, int64_t n, int64_t i) {
  const auto end = i < 0 ? 0 : n - 1, mirrored = 2 * end - i;
  if (mirrored < 0 || mirrored >= n) return 0;
  return 2 * static_cast<double>(x[end]) - static_cast<double>(x[mirrored]);
}

template <class Number>
double line(const Number* x, int64_t n, int64_t i) {
  const double first = x[0], last = x[n - 1], slope = n > 1 ? (last - first) / static_cast<double>(n - 1) : 0;
  return i < 0 ? first + slope * static_cast<double>(i) : last + slope * static_cast<double>(i - n + 1);
}

}  // namespace extensions

// Sample i of a signal of n samples, i < 0 or i >= n.
template <class Number>
double beyondEnds(Extension extension, const Number* x, int64_t n, int64_t i) {
  switch (extension) {
    case Extension::kConstant:
      return 0;
    case Extension::kEdge:
      return x[i < 0 ? 0 : n - 1];
    case Extension::kReflect: {
      const auto at = n > 1 ? extensions::fold(i, 2 * (n - 1)) : 0;
      return x[at < n ? at : 2 * (n - 1) - at];
    }
    case Extension::kSymmetric: {
      const auto at = extensions::fold(i, 2 * n);
      return x[at < n ? at : 2 * n - 1 - at];
    }
    case Extension::kLine:
      return extensions::line(x, n, i);
    case Extension::kOdd:
      return extensions::odd(x, n, i);
  }
  return 0;
}

// out[k] = sample from + k of the extended signal.
template <class Number>
void copyExtended(Extension extension, const Number* x, int64_t n, int64_t from, int64_t count, double* out) {
  int64_t k = 0;
  for (; k < count && from + k < 0; k++) out[k] = beyondEnds(extension, x, n, from + k);
  const auto inside = std::min(count, n - from);
  if (k < inside) k = std::copy(x + from + k, x + from + inside, out + k) - out;
  for (; k < count; k++) out[k] = beyondEnds(extension, x, n, from + k);
}

}  // namespace eegtorch
