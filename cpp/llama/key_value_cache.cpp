#include "llama/key_value_cache.h"

#include <ATen/Functions.h>

#include <algorithm>

namespace eegtorch {

KeyValueCache::KeyValueCache(int64_t layers, int64_t capacity) : layers_(layers), capacity_(capacity) {}

std::pair<at::Tensor, at::Tensor> KeyValueCache::append(int64_t index, const at::Tensor& keys,
                                                        const at::Tensor& values) {
  auto& layer = layers_.at(index);
  const int64_t length = layer.length + keys.size(2);
  const auto place = [&](at::Tensor& all, const at::Tensor& added) {
    if (!all.defined() || all.size(2) < length) {
      auto shape = added.sizes().vec();
      shape[2] = std::max(capacity_, all.defined() ? 2 * length : length);
      const auto larger = at::empty(shape, added.options());
      if (layer.length > 0) larger.narrow(2, 0, layer.length).copy_(all.narrow(2, 0, layer.length));
      all = larger;
    }
    all.narrow(2, layer.length, added.size(2)).copy_(added);
    return all.narrow(2, 0, length);
  };
  const auto result = std::pair(place(layer.keys, keys), place(layer.values, values));
  layer.length = length;
  return result;
}

}  // namespace eegtorch
