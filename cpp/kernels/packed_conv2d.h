// Convolutions of a few images in inference: pixels' surroundings gathered into rows, and these multiplied with packed
// weights, which LibTorch would reorder in every call.
#pragma once

#include <torch/nn/modules/conv.h>

#include <vector>

#include "kernels/packed_product.h"

namespace eegtorch::kernels {

// What follows a convolution: scale and shift of each channel (undefined: none), and what negative numbers are
// multiplied by (1: as they are).
struct Epilogue {
  at::Tensor scale, shift;
  float slope = 1;
};

class PackedConv2d {
 public:
  // Whether the options are those that the constructors know: no groups, no dilation, zeros as padding; transposed, a
  // kernel of 4, a stride of 2 and a padding of 1, which doubles the image.
  static bool knows(const torch::nn::Conv2dImpl& conv);
  static bool knows(const torch::nn::ConvTranspose2dImpl& conv);

  PackedConv2d(const torch::nn::Conv2dImpl& conv, const Epilogue& epilogue);
  PackedConv2d(const torch::nn::ConvTranspose2dImpl& conv, const Epilogue& epilogue);

  // images (batch, rows, columns, channels), contiguous; likewise the result.
  at::Tensor forward(const at::Tensor& images) const;

 private:
  // Every `step`-th pixel of the result in both directions, from (row, column) on, is a product with the surroundings
  // that begin `top` rows above and `left` columns before the pixel of the image.
  struct Phase {
    int64_t row, column, top, left;
    PackedProduct product;
    int64_t span = 1;  // pixels, in either direction, that one product makes
  };
  struct Size {
    int64_t rows, columns;
  };
  struct Image {
    const float* data;
    Size size;
    int64_t channels;
  };

  Size grid(const at::Tensor& images) const;
  // What the kernel sees from (row, column) on, zeros outside of the image.
  void copySurroundings(const Image& image, int64_t row, int64_t column, float* to) const;
  at::Tensor gather(const at::Tensor& images, const Phase& phase) const;
  void scatter(const at::Tensor& pixels, const Phase& phase, const at::Tensor& result) const;

  Size kernel_, stride_, padding_;
  int64_t step_;
  float slope_;
  std::vector<Phase> phases_;
};

}  // namespace eegtorch::kernels
