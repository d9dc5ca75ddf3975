#include "tensor_request.h"

#include "convert.h"
#include "core/dtype.h"
#include "core/error.h"

namespace eegtorch {

namespace {

// [offset, bytes], or a Uint8Array.
void readRanges(Napi::Array ranges, TensorRequest& request) {
  request.memory.reserve(ranges.Length());  // so that views of it stay valid
  for (uint32_t i = 0; i < ranges.Length(); i++) {
    const Napi::HandleScope scope(ranges.Env());
    const Napi::Value range = ranges[i];
    if (range.IsTypedArray()) {
      request.ranges.push_back({0, 0, request.memory.emplace_back(bytesFrom(range, "bytes"))});
      continue;
    }
    const auto bounds = integersOf(range, "range");
    if (bounds.size() != 2 || bounds[0] < 0 || bounds[1] < 0)
      throw Error("INVALID_OPTION", "a range is an offset and a number of bytes");
    request.ranges.push_back({static_cast<uint64_t>(bounds[0]), static_cast<uint64_t>(bounds[1]), std::nullopt});
  }
}

// [storage, dtype, shape, strides | null, offset in elements]
StoredTensor readTensor(Napi::Array tensor) {
  StoredTensor stored;
  stored.storage = static_cast<size_t>(integerOf(tensor[0u], "storage"));
  stored.dtype = dtypeFromName(stringOf(tensor[1u], "dtype"));
  stored.shape = integersOf(tensor[2u], "shape");
  const Napi::Value strides = tensor[3u];
  if (!strides.IsNull()) stored.strides = integersOf(strides, "strides");
  stored.offset = integerOf(tensor[4u], "offset");
  return stored;
}

}  // namespace

std::shared_ptr<const TensorRequest> readTensorRequest(const TensorRequestValues& values) {
  auto request = std::make_shared<TensorRequest>();
  request->path = stringOf(values.path, "path");
  request->file_size = static_cast<uint64_t>(integerOf(values.file_size, "file size"));
  readRanges(arrayOf(values.ranges, "ranges"), *request);
  const Napi::Array tensors = arrayOf(values.tensors, "tensors");
  for (uint32_t i = 0; i < tensors.Length(); i++) {
    const Napi::HandleScope scope(tensors.Env());
    request->tensors.push_back(readTensor(arrayOf(tensors[i], "tensor")));
  }
  return request;
}

std::string bytesFrom(Napi::Value value, const char* what) {
  if (!value.IsTypedArray()) throw Error("INVALID_OPTION", std::string(what) + " has the wrong type", "a Uint8Array");
  const auto array = value.As<Napi::TypedArray>();
  const auto* start = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {start, array.ByteLength()};
}

}  // namespace eegtorch
