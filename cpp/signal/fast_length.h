// Lengths that Fourier transforms are fast at.
#pragma once

#include <cstdint>

namespace eegtorch {

// The smallest product of 2, 3 and 5 that is at least `length`.
inline int64_t fastLength(int64_t length) {
  for (int64_t candidate = length;; candidate++) {
    int64_t rest = candidate;
    for (const int64_t prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return candidate;
  }
}

}  // namespace eegtorch
