// Fourier transforms of long signals. As a whole, one of hundreds of thousands of samples runs out of the cache; as two
// rounds of short ones (Cooley and Tukey), eight beside each other, it stays inside and its numbers are vectors.
// Lengths with a large prime factor become convolutions of another length (Bluestein).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "kernels/native/fourier_table.h"

namespace eegtorch {

// Working memory that is kept from one call to the next, since the system clears what it gives.
class Scratch {
 public:
  static constexpr size_t kOwn = 4;  // slots below it belong to transforms

  // Room for as many doubles, with any values; the former contents of this slot are lost.
  double* doubles(size_t slot, int64_t count);

 private:
  std::vector<at::Tensor> slots_;
};

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
  struct Rounds;
  struct Chirp;

  int64_t n_;
  // Both null: a short length, which LibTorch transforms.
  std::unique_ptr<const Rounds> rounds_;
  std::unique_ptr<const Chirp> chirp_;
};

}  // namespace eegtorch
