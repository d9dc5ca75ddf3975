#include "kernels/winograd.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/winograd_tiles.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kPixels = kTilePixels;
constexpr int64_t kBlock = 64;              // output channels of which a thread transforms the weights at a time
constexpr int64_t kLeastTiles = 32;         // transformed at a time
constexpr int64_t kMostTiles = 512;         // likewise
constexpr int64_t kTransformed = 16 << 20;  // bytes of transformed pixels, likewise, so that they stay in the cache

at::Tensor matrixOf(float* data, int64_t rows, int64_t columns, const at::TensorOptions& options) {
  return at::from_blob(data, {kPixels, rows, columns}, options);
}

// One convolution, tile by tile.
class Winograd {
 public:
  Winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
      : tiles_(x),
        in_(x.size(1)),
        out_(weight.size(0)),
        x_(x.contiguous(at::MemoryFormat::ChannelsLast)),
        weight_(weight.contiguous()),
        bias_(bias.defined() ? bias.contiguous() : bias),
        result_(at::empty({x.size(0), out_, x.size(2), x.size(3)}, x.options().requires_grad(false),
                          at::MemoryFormat::ChannelsLast)),
        zeros_(in_) {}

  at::Tensor run() {
    const int64_t tiles = tiles_.count(), most = tilesAtATime(tiles, in_);
    const int64_t bands = (tiles + most - 1) / most;
    values_ = at::empty({kPixels * most * in_}, result_.options());
    const int64_t scratch = kPixels * kBlock * (in_ + most);  // weights and products
    scratch_ = at::empty({at::get_num_threads(), scratch}, result_.options());
    for (int64_t band = 0; band < bands; band++) runBand(tiles * band / bands, tiles * (band + 1) / bands);
    return result_;
  }

 private:
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
    const auto pixels = tiles_.pixels(tile, x_.const_data_ptr<float>(), in_, zeros_.data());
    winogradTable().image(pixels.data(), in_, values_.mutable_data_ptr<float>() + place * in_, count * in_);
  }

  // Output channels from `channel` on, of `count` tiles.
  void runBlock(int64_t first, int64_t count, int64_t channel) {
    const int64_t channels = std::min(kBlock, out_ - channel);
    float* kernels = scratch_.mutable_data_ptr<float>() + at::get_thread_num() * scratch_.size(1);
    float* products = kernels + kPixels * kBlock * in_;
    const float* weights = weight_.const_data_ptr<float>();
    for (int64_t o = 0; o < channels; o++)
      winogradTable().weights(weights + (channel + o) * in_ * 9, in_, kernels + o * in_, channels * in_);
    const auto options = result_.options();
    auto product = matrixOf(products, count, channels, options);
    at::bmm_out(product, matrixOf(values_.mutable_data_ptr<float>(), count, in_, options),
                matrixOf(kernels, channels, in_, options).transpose(1, 2));
    const float* bias = bias_.defined() ? bias_.const_data_ptr<float>() + channel : nullptr;
    float* to = result_.mutable_data_ptr<float>() + channel;
    for (int64_t tile = 0; tile < count; tile++) {
      const auto results = tiles_.results(first + tile, to, out_);
      winogradTable().results(products + tile * channels, count * channels, bias, channels, results.data());
    }
  }

  WinogradTiles tiles_;
  int64_t in_, out_;
  at::Tensor x_, weight_, bias_, result_;
  std::vector<float> zeros_;
  at::Tensor values_, scratch_;
};

}  // namespace

const WinogradTable& winogradTable() {
  static const WinogradTable& chosen = chooseTable(avx512Winograd, avx2Winograd, baselineWinograd);
  return chosen;
}

int64_t tilesAtATime(int64_t tiles, int64_t channels) {
  const int64_t most =
      std::clamp(kTransformed / (kPixels * channels * int64_t{sizeof(float)}), kLeastTiles, kMostTiles);
  const int64_t bands = (tiles + most - 1) / most;
  return (tiles + bands - 1) / bands;
}

double winogradShare(const at::Tensor& images) {
  const auto pixels = static_cast<double>(images.size(0) * images.size(2) * images.size(3));
  return static_cast<double>(kPixels * WinogradTiles(images).count()) / (9 * pixels);
}

at::Tensor winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return Winograd(x, weight, bias).run();
}

}  // namespace eegtorch::kernels
