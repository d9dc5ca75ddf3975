// Which tensors of a file JavaScript asks for: the formats are read in lib/checkpoints.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/tensor_file.h"

namespace eegtorch {

// Kept until the compute thread gets to it.
struct TensorRequest {
  std::string path;
  uint64_t file_size;
  std::vector<StorageRange> ranges;
  std::vector<StoredTensor> tensors;
  std::vector<std::string> memory;  // unpacked bytes that ranges refer to
};

// As JavaScript writes it. ranges: [offset, bytes] or a Uint8Array each; tensors: [storage, dtype, shape,
// strides | null, offset in elements] each.
struct TensorRequestValues {
  Napi::Value path, file_size, ranges, tensors;
};
std::shared_ptr<const TensorRequest> readTensorRequest(const TensorRequestValues& values);

// The bytes of a typed array.
std::string bytesFrom(Napi::Value value, const char* what);

}  // namespace eegtorch
