// Weights of two-dimensional convolutions with the channels innermost in memory: oneDNN then keeps every image between
// them so as well, and reorders none. Shapes, names and files are as before.
#pragma once

#include <torch/nn/module.h>

namespace eegtorch {

void storeChannelsLast(torch::nn::Module& module);

}  // namespace eegtorch
