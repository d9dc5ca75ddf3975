// Convolutions of images with 3 x 3 kernels, and their gradients, from ordinary weights. LibTorch brings a weight into
// oneDNN's order in every call, which for the deep layers of a UNet (118 MB for 16 pixels) takes longer than the
// products; and it multiplies 9 times for a pixel, where 4 do (kernels/winograd.h).
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// Whether convolve3x3 is the faster way for x (batch, channels, height, width) and weight (out, channels, 3, 3).
bool convolves3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// conv2d(x, weight, bias) with stride 1 and padding 1, up to rounding; the channels are innermost in memory. bias may
// be undefined.
at::Tensor convolve3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace eegtorch::kernels
