#include "kernels/winograd.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/native/winograd_table.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kPixels = kTilePixels;
constexpr int64_t kLeastChannels = 32;      // fewer do not pay for the transforms
constexpr int64_t kFewPixels = 128;         // below which a weight is read once and not transformed
constexpr int64_t kLeastTiles = 32;         // transformed at a time
constexpr double kMostProducts = .6;        // of those of an ordinary convolution; odd sizes need more of them
constexpr int64_t kBlock = 64;              // output channels of which a thread transforms the weights at a time
constexpr int64_t kMostTiles = 512;         // transformed at a time
constexpr int64_t kTransformed = 16 << 20;  // bytes of transformed pixels, likewise, so that they stay in the cache

const WinogradTable& winograd() {
  static const WinogradTable& chosen = table().lanes == 16  ? avx512Winograd()
                                       : table().lanes == 8 ? avx2Winograd()
                                                            : baselineWinograd();
  return chosen;
}

int64_t halfUp(int64_t size) { return (size + 1) / 2; }

int64_t pixelsOf(const at::Tensor& x) { return x.size(0) * x.size(2) * x.size(3); }

int64_t tilesOf(const at::Tensor& x) { return x.size(0) * halfUp(x.size(2)) * halfUp(x.size(3)); }

at::Tensor matrixOf(float* data, int64_t rows, int64_t columns, const at::TensorOptions& options) {
  return at::from_blob(data, {kPixels, rows, columns}, options);
}

// One convolution, tile by tile.
class Winograd {
 public:
  Winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
      : height_(x.size(2)),
        width_(x.size(3)),
        in_(x.size(1)),
        out_(weight.size(0)),
        x_(x.contiguous(at::MemoryFormat::ChannelsLast)),
        weight_(weight.contiguous()),
        bias_(bias.defined() ? bias.contiguous() : bias),
        result_(at::empty({x.size(0), out_, height_, width_}, x.options().requires_grad(false),
                          at::MemoryFormat::ChannelsLast)),
        zeros_(in_) {}

  at::Tensor run() {
    const int64_t tiles = tilesOf(x_);
    const int64_t most = std::clamp(kTransformed / (kPixels * in_ * int64_t{sizeof(float)}), kLeastTiles, kMostTiles);
    const int64_t bands = (tiles + most - 1) / most;
    const int64_t largest = (tiles + bands - 1) / bands;
    values_ = at::empty({kPixels * largest * in_}, result_.options());
    const int64_t scratch = kPixels * kBlock * (in_ + largest);  // weights and products
    scratch_ = at::empty({at::get_num_threads(), scratch}, result_.options());
    for (int64_t band = 0; band < bands; band++) runBand(tiles * band / bands, tiles * (band + 1) / bands);
    return result_;
  }

 private:
  struct Place {
    int64_t image, row, column;  // of the first of a tile's four results
  };

  Place placeOf(int64_t tile) const {
    const int64_t across = halfUp(width_), down = halfUp(height_);
    return {tile / across / down, 2 * (tile / across % down), 2 * (tile % across)};
  }

  // The channels of a pixel begin so many times the number of channels further; -1 outside of the image.
  int64_t pixelAt(const Place& p, int64_t row, int64_t column) const {
    const bool inside = row >= 0 && row < height_ && column >= 0 && column < width_;
    return inside ? (p.image * height_ + row) * width_ + column : -1;
  }

  void runBand(int64_t first, int64_t last) {
    const int64_t count = last - first;
    at::parallel_for(0, count, 1, [&](int64_t from, int64_t to) {
      for (int64_t tile = from; tile < to; tile++) transformImage(first + tile, tile, count);
    });
    at::parallel_for(0, (out_ + kBlock - 1) / kBlock, 1, [&](int64_t from, int64_t to) {
      for (int64_t block = from; block < to; block++) runBlock(first, count, block * kBlock);
    });
  }

  void transformImage(int64_t tile, int64_t place, int64_t count) {
    const Place p = placeOf(tile);
    const float* from = x_.const_data_ptr<float>();
    const float* pixels[kTilePixels];
    for (int64_t i = 0; i < kPixels; i++) {
      const int64_t pixel = pixelAt(p, p.row + i / 4 - 1, p.column + i % 4 - 1);
      pixels[i] = pixel < 0 ? zeros_.data() : from + pixel * in_;
    }
    winograd().image(pixels, in_, values_.mutable_data_ptr<float>() + place * in_, count * in_);
  }

  // Output channels from `channel` on, of `count` tiles.
  void runBlock(int64_t first, int64_t count, int64_t channel) {
    const int64_t channels = std::min(kBlock, out_ - channel);
    float* kernels = scratch_.mutable_data_ptr<float>() + at::get_thread_num() * scratch_.size(1);
    float* products = kernels + kPixels * kBlock * in_;
    const float* weights = weight_.const_data_ptr<float>();
    for (int64_t o = 0; o < channels; o++)
      winograd().weights(weights + (channel + o) * in_ * 9, in_, kernels + o * in_, channels * in_);
    const auto options = result_.options();
    auto product = matrixOf(products, count, channels, options);
    at::bmm_out(product, matrixOf(values_.mutable_data_ptr<float>(), count, in_, options),
                matrixOf(kernels, channels, in_, options).transpose(1, 2));
    const float* bias = bias_.defined() ? bias_.const_data_ptr<float>() + channel : nullptr;
    for (int64_t tile = 0; tile < count; tile++)
      writeResults(first + tile, products + tile * channels, count * channels, bias, channel, channels);
  }

  void writeResults(int64_t tile, const float* products, int64_t step, const float* bias, int64_t channel,
                    int64_t channels) {
    const Place p = placeOf(tile);
    float* to = result_.mutable_data_ptr<float>() + channel;
    float* results[kTileResults];
    for (int64_t i = 0; i < int64_t{kTileResults}; i++) {
      const int64_t pixel = pixelAt(p, p.row + i / 2, p.column + i % 2);
      results[i] = pixel < 0 ? nullptr : to + pixel * out_;
    }
    winograd().results(products, step, bias, channels, results);
  }

  int64_t height_, width_, in_, out_;
  at::Tensor x_, weight_, bias_, result_;
  std::vector<float> zeros_;
  at::Tensor values_, scratch_;
};

// One product with the patches of all pixels, for so few of them that it reads the weights once and transforms none.
at::Tensor multiplyPatches(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t batch = x.size(0), height = x.size(2), width = x.size(3), out = weight.size(0);
  const auto patches = at::im2col(x, {3, 3}, {1, 1}, {1, 1}, {1, 1}).transpose(1, 2).flatten(0, 1);
  const auto pixels = at::linear(patches, weight.flatten(1), bias);  // (batch * height * width, out)
  return pixels.view({batch, height, width, out}).permute({0, 3, 1, 2});
}

}  // namespace

bool convolves3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool recorded = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  if (recorded || x.dim() != 4 || weight.size(2) != 3 || weight.size(3) != 3 || !applies({x, weight, bias}))
    return false;
  if (std::min(weight.size(0), weight.size(1)) < kLeastChannels || x.size(1) != weight.size(1)) return false;
  if (pixelsOf(x) < kFewPixels) return true;
  const auto products = static_cast<double>(kPixels * tilesOf(x)), ordinary = static_cast<double>(9 * pixelsOf(x));
  return products <= kMostProducts * ordinary && weight.size(0) >= kBlock * at::get_num_threads();
}

at::Tensor convolve3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::NoGradGuard unrecorded;
  if (pixelsOf(x) < kFewPixels) return multiplyPatches(x, weight, bias);
  return Winograd(x.detach(), weight.detach(), bias.defined() ? bias.detach() : bias).run();
}

}  // namespace eegtorch::kernels
