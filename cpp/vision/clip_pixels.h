// Pictures as a CLIP network takes them: by Pillow's bicubic filter, byte for byte.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace eegtorch {

// How a preprocessor_config.json of transformers turns bytes into what a network sees.
struct ClipPixels {
  int64_t size = 0, crop = 0;             // of the shorter side; of the square that is cut out of the middle
  double scale = 1;                       // of a byte
  c10::ArrayRef<double> mean, deviation;  // of the three colours
};

// The shorter side resized, the middle cut out (black where a picture does not reach), standardised: CLIPImageProcessor
// with Pillow. Only the pixels that stay are computed.
// pictures: each (height, width, 3), uint8 -> (pictures, 3, crop, crop), float32
at::Tensor clipPixels(at::TensorList pictures, const ClipPixels& how);

}  // namespace eegtorch
