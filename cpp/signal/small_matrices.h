// Products of recordings with small matrices and with themselves, by one thread: doubles on the CPU without a call into
// LibTorch for each, other tensors by LibTorch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace eegtorch {

// Room that products work in, kept from one to the next: one for each thread, which all its lanes share.
class ProductRooms {
 public:
  ProductRooms();

  // As many numbers, with any values, that are the calling thread's own.
  double* numbers(size_t count);

 private:
  std::vector<at::Tensor> memory_;
};

// out (m, samples) = weights' x for weights (channels, m), contiguous, and x (channels, samples); rows of out are
// contiguous. streamed: out is part of more than caches hold.
void mixChannels(const at::Tensor& weights, const at::Tensor& x, const at::Tensor& out, bool streamed,
                 ProductRooms& rooms);

// sums (channels, channels) += x x', where the row is not below the column; what is below has no meaning.
void addPower(const at::Tensor& x, const at::Tensor& sums, ProductRooms& rooms);

}  // namespace eegtorch
