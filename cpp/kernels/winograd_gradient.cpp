#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/winograd.h"
#include "kernels/winograd_tiles.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kPixels = kTilePixels, kWeights = 9;

// The gradient of the weights of one convolution: its transform is a product over all tiles, once for each of the
// sixteen values.
class WeightGradient {
 public:
  WeightGradient(const at::Tensor& x, const at::Tensor& grad)
      : tiles_(x),
        in_(x.size(1)),
        out_(grad.size(1)),
        x_(x.contiguous(at::MemoryFormat::ChannelsLast)),
        grad_(grad.contiguous(at::MemoryFormat::ChannelsLast)),
        zeros_(std::max(in_, out_)) {}

  at::Tensor run() {
    const auto options = x_.options().requires_grad(false);
    const int64_t tiles = tiles_.count(), most = tilesAtATime(tiles, std::max(in_, out_));
    const int64_t bands = (tiles + most - 1) / most;
    values_ = at::empty({kPixels, most * in_}, options);
    grads_ = at::empty({kPixels, most * out_}, options);
    sums_ = at::empty({kPixels, out_, in_}, options);
    for (int64_t band = 0; band < bands; band++) addBand(tiles * band / bands, tiles * (band + 1) / bands);
    auto result = at::empty({out_, in_, 3, 3}, options);
    at::parallel_for(0, out_, 1, [&](int64_t from, int64_t to) {
      for (int64_t o = from; o < to; o++)
        winogradTable().kernel_gradients(sums_.const_data_ptr<float>() + o * in_, out_ * in_, in_,
                                         result.mutable_data_ptr<float>() + o * in_ * kWeights);
    });
    return result;
  }

 private:
  void addBand(int64_t first, int64_t last) {
    at::parallel_for(first, last, 1, [&](int64_t from, int64_t to) {
      for (int64_t tile = from; tile < to; tile++) transform(tile, tile - first);
    });
    const int64_t count = last - first;
    at::parallel_for(0, kPixels, 1, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) {
        auto sum = sums_.select(0, i);
        const auto grads = grads_.select(0, i).narrow(0, 0, count * out_).view({count, out_}).t();
        const auto values = values_.select(0, i).narrow(0, 0, count * in_).view({count, in_});
        at::addmm_out(sum, sum, grads, values, first == 0 ? 0 : 1);
      }
    });
  }

  void transform(int64_t tile, int64_t place) {
    const auto pixels = tiles_.pixels(tile, x_.const_data_ptr<float>(), in_, zeros_.data());
    winogradTable().image(pixels.data(), in_, values_.mutable_data_ptr<float>() + place * in_, values_.size(1));
    auto results = tiles_.results(tile, grad_.const_data_ptr<float>(), out_);
    for (auto& result : results) result = result ? result : zeros_.data();
    winogradTable().gradients(results.data(), out_, grads_.mutable_data_ptr<float>() + place * out_, grads_.size(1));
  }

  WinogradTiles tiles_;
  int64_t in_, out_;
  at::Tensor x_, grad_;
  std::vector<float> zeros_;
  at::Tensor values_, grads_, sums_;
};

}  // namespace

at::Tensor winogradWeightGradient(const at::Tensor& x, const at::Tensor& grad) { return WeightGradient(x, grad).run(); }

}  // namespace eegtorch::kernels
