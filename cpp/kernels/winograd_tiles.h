// Where the tiles of images lie, for convolutions by few multiplications.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "kernels/native/winograd_table.h"

namespace eegtorch::kernels {

const WinogradTable& winogradTable();

// The tiles of images (batch, channels, height, width) whose channels are innermost in memory.
class WinogradTiles {
 public:
  explicit WinogradTiles(const at::Tensor& images)
      : height_(images.size(2)),
        width_(images.size(3)),
        across_((width_ + 1) / 2),
        down_((height_ + 1) / 2),
        count_(images.size(0) * across_ * down_) {}

  int64_t count() const { return count_; }

  // The four pixels where the results of a tile are; nullptr outside of the image.
  template <class Number>
  std::array<Number*, kTileResults> results(int64_t tile, Number* pixels, int64_t channels) const {
    return around<kTileResults>(tile, pixels, channels, 2, 0, static_cast<Number*>(nullptr));
  }

  // The sixteen pixels that a tile is made of; outside of the image `zeros`.
  std::array<const float*, kTilePixels> pixels(int64_t tile, const float* pixels, int64_t channels,
                                               const float* zeros) const {
    return around<kTilePixels>(tile, pixels, channels, 4, 1, zeros);
  }

 private:
  template <size_t count, class Number>
  std::array<Number*, count> around(int64_t tile, Number* pixels, int64_t channels, int64_t side, int64_t before,
                                    Number* outside) const {
    const int64_t image = tile / across_ / down_;
    const int64_t top = 2 * (tile / across_ % down_) - before, left = 2 * (tile % across_) - before;
    std::array<Number*, count> found;
    for (int64_t i = 0; i < int64_t{count}; i++) {
      const int64_t row = top + i / side, column = left + i % side;
      const bool inside = row >= 0 && row < height_ && column >= 0 && column < width_;
      found[i] = inside ? pixels + ((image * height_ + row) * width_ + column) * channels : outside;
    }
    return found;
  }

  int64_t height_, width_, across_, down_, count_;
};

// How many tiles are transformed at a time: few enough for the cache, many enough for products.
int64_t tilesAtATime(int64_t tiles, int64_t channels);

}  // namespace eegtorch::kernels
