// A part whose floating-point tensors stay in float32 when the network around it moves to half precision: tables, such
// as the scales of quantised weights.
#pragma once

#include <torch/nn/module.h>

namespace eegtorch {

struct FullPrecision : torch::nn::Module {};

}  // namespace eegtorch
