// The five convolutions of AlexNet in its one-column form (Krizhevsky 2014, arXiv 1404.5997), which LPIPS looks through
// too.
#pragma once

#include <array>
#include <vector>

#include "blocks/layers.h"
#include "core/check.h"

namespace eegtorch {

inline constexpr int64_t kAlexNetConvolutions = 5, kAlexNetSmallest = 63;  // pixels on a side

// Their places in torchvision's list of layers, by which checkpoints name them.
inline constexpr std::array<int64_t, kAlexNetConvolutions> kAlexNetPlaces = {0, 3, 6, 8, 10};

// Refuses anything but five widths.
void checkAlexNetChannels(const OptionCheck& options, const std::vector<int64_t>& channels);

// Refuses what is no batch of colour images, or too small for the trunk.
void checkAlexNetImage(const char* model, const at::Tensor& image, const at::Tensor& parameter);

std::vector<Conv2d> makeAlexNetConvolutions(const std::vector<int64_t>& channels);

// image (images, 3, height, width) -> what each convolution gives after its ReLU
std::vector<at::Tensor> lookThroughAlexNet(std::vector<Conv2d>& convolutions, const at::Tensor& image);

}  // namespace eegtorch
