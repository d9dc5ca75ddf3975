// Linear layers of large networks.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch::kernels {

// x (..., in), weight (out, in), bias (out) or undefined -> x weight^T + bias (..., out). What at::linear gives;
// without gradients, several rows at once go through oneDNN: on an AMD EPYC 4 to 26 % faster than MKL for 77 to 128
// rows, 40 % for 8 to 16. So do rows in training where MKL is slow; a step of transformer_eeg takes a sixth less by it.
// Fewer rows read eight rows of the weight at a time, as fast as memory gives them: for one row, on two threads of an
// EPYC, 30 GB/s where MKL takes 16; four rows in a third of MKL's time.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

}  // namespace eegtorch::kernels
