// Convolutions of images with 3 x 3 kernels, stride 1 and padding 1, by 4 multiplications for a pixel where an ordinary
// convolution has 9 (Lavin and Gray 2016, CVPR, arXiv 1509.09308, F(2x2, 3x3)), and the gradient of their weights
// likewise. Tensors are float32 on the CPU; the channels of results are innermost in memory.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// How many products this way takes of an ordinary convolution's, for images (batch, channels, height, width): 4 of 9
// where height and width are even, more where they are not.
double winogradShare(const at::Tensor& images);

// x (batch, in, height, width), weight (out, in, 3, 3), bias (out) or undefined -> (batch, out, height, width)
at::Tensor winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// x as above, grad (batch, out, height, width) of the result -> the weight's gradient (out, in, 3, 3)
at::Tensor winogradWeightGradient(const at::Tensor& x, const at::Tensor& grad);

}  // namespace eegtorch::kernels
