// Operators on pictures, in the namespace `eegtorch`.
#include <torch/library.h>

#include "vision/clip_pixels.h"

namespace eegtorch {

namespace {

at::Tensor clipPixelsOperator(at::TensorList pictures, int64_t size, int64_t crop, double scale,
                              c10::ArrayRef<double> mean, c10::ArrayRef<double> deviation) {
  return clipPixels(pictures, {size, crop, scale, mean, deviation});
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def(
      "clip_pixels(Tensor[] pictures, *, int size, int crop, float scale, float[] mean, float[] deviation) -> Tensor",
      clipPixelsOperator);
}

}  // namespace eegtorch
