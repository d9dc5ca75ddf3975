// Fourier transforms of long signals. A transform of hundreds of thousands of samples as a whole runs out of the cache
// and takes its slow way in MKL; as two rounds of short ones (Cooley and Tukey) it stays inside.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// The transform of each row, or its inverse (with 1 / n). x (rows, n) complex128, contiguous -> as x.
at::Tensor longTransform(const at::Tensor& x, bool inverse);

}  // namespace eegtorch
