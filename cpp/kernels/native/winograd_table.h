// The transforms of convolutions by few multiplications (kernels/winograd.h), compiled like the loops of table.h: once
// for each set of CPU instructions. Pixels are rows of channels. A tile is 4 x 4 pixels that give 2 x 2, in the order
// of rows; its 16 transformed values go to 16 matrices, `step` floats apart. pixels: 16 of them; results: 4.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

constexpr size_t kTilePixels = 16, kTileResults = 4;

struct WinogradTable {
  // to[i * step] = the i-th value of the tile, for each channel.
  void (*image)(const float* const* pixels, size_t channels, float* to, size_t step);
  // Likewise of the kernels of one output channel: 3 x 3 weights for each of the channels.
  void (*weights)(const float* kernels, size_t channels, float* to, size_t step);
  // The results of a tile from its 16 products, plus bias (null: none); a null result is not wanted.
  void (*results)(const float* from, size_t step, const float* bias, size_t channels, float* const* results);
  // The way back: from the gradients of a tile's four results to those of its 16 products,
  void (*gradients)(const float* const* results, size_t channels, float* to, size_t step);
  // and from the 16 sums of these, times the image's values, to the gradients of an output channel's kernels.
  void (*kernel_gradients)(const float* from, size_t step, size_t channels, float* to);
};

const WinogradTable& baselineWinograd();
const WinogradTable& avx2Winograd();
const WinogradTable& avx512Winograd();

}  // namespace eegtorch::kernels
