// Keys and values of the tokens that a language model has seen, so that each token passes it once.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace eegtorch {

class KeyValueCache {
 public:
  // capacity: tokens to make room for at first; it grows as needed.
  KeyValueCache(int64_t layers, int64_t capacity);

  // Keys and values (batch, heads, tokens, width) of new tokens, behind those of a layer -> those of all its tokens,
  // over the cache's own memory.
  std::pair<at::Tensor, at::Tensor> append(int64_t layer, const at::Tensor& keys, const at::Tensor& values);

  // Tokens seen by every layer.
  int64_t length() const { return layers_.empty() ? 0 : layers_.back().length; }

 private:
  struct Layer {
    at::Tensor keys, values;  // (batch, heads, capacity, width)
    int64_t length = 0;
  };

  std::vector<Layer> layers_;
  int64_t capacity_;
};

}  // namespace eegtorch
