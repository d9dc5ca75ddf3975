// Long signals in tiles that stay in the nearest cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace eegtorch {

constexpr size_t kTile = 128;  // samples

// body(first sample, samples)
template <class Body>
void forEachTile(int64_t samples, const Body& body) {
  for (int64_t start = 0; start < samples; start += kTile)
    body(start, static_cast<size_t>(std::min<int64_t>(kTile, samples - start)));
}

}  // namespace eegtorch
