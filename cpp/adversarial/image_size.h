// The image that encoder and decoder share: four halvings take it to a grid and back.
#pragma once

#include "core/check.h"

namespace eegtorch {

inline constexpr int64_t kAaeReduction = 16;

struct AaeGrid {
  int64_t height, width;
};

// image_size: height and width. Refuses (INVALID_OPTION) what is not two positive multiples of 16.
inline AaeGrid aaeGrid(const OptionCheck& options, const std::vector<int64_t>& image_size) {
  options.require(image_size.size() == 2, "image_size", "height and width",
                  std::to_string(image_size.size()) + " numbers");
  options.sizes("image_size", image_size);
  for (const int64_t length : image_size)
    options.require(length % kAaeReduction == 0, "image_size", "multiples of 16", std::to_string(length));
  return {image_size[0] / kAaeReduction, image_size[1] / kAaeReduction};
}

}  // namespace eegtorch
