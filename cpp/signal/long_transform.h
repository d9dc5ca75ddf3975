// Fourier transforms of signals of any length. Those of lengths with a large prime factor become convolutions of
// another length (Bluestein).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "signal/split_transform.h"

namespace eegtorch {

class LongTransform {
 public:
  // n: length of the signals
  explicit LongTransform(int64_t n);
  ~LongTransform();
  LongTransform(LongTransform&&) noexcept;

  // The transform of each row, or its inverse (with 1 / n). x (rows, n) complex128, contiguous -> as x; x may be
  // overwritten, and be the result. Several threads may call it at once, each with a scratch of its own.
  at::Tensor operator()(const at::Tensor& x, bool inverse, Scratch& scratch) const;

 private:
  struct Chirp;

  int64_t n_;
  // Both null: a short length, which LibTorch transforms.
  std::unique_ptr<const SplitTransform> split_;
  std::unique_ptr<const Chirp> chirp_;
};

}  // namespace eegtorch
