// Tensors in files; the formats are read in lib/checkpoints. All of it runs on the compute thread, so that a file is
// written between two training steps and never in the middle of one.
#include "tensor_file.h"

#include "convert.h"
#include "core/dtype.h"
#include "core/tensor_file.h"
#include "errors.h"

namespace eegtorch {

namespace {

std::string bytesOf(Napi::Value value, const char* what) {
  if (!value.IsTypedArray()) throw Error("INVALID_OPTION", std::string(what) + " has the wrong type", "a Uint8Array");
  const auto array = value.As<Napi::TypedArray>();
  const auto* start = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {start, array.ByteLength()};
}

// What JavaScript asks for, kept until the compute thread gets to it.
struct Request {
  std::string path;
  uint64_t file_size;
  std::vector<StorageRange> ranges;
  std::vector<StoredTensor> tensors;
  std::vector<std::string> memory;  // unpacked bytes that ranges refer to
};

// [offset, bytes], or a Uint8Array.
void readRanges(Napi::Array ranges, Request& request) {
  request.memory.reserve(ranges.Length());  // so that views of it stay valid
  for (uint32_t i = 0; i < ranges.Length(); i++) {
    const Napi::HandleScope scope(ranges.Env());
    const Napi::Value range = ranges[i];
    if (range.IsTypedArray()) {
      request.ranges.push_back({0, 0, request.memory.emplace_back(bytesOf(range, "bytes"))});
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

std::shared_ptr<Request> readRequest(const Napi::CallbackInfo& info) {
  auto request = std::make_shared<Request>();
  request->path = stringOf(info[0], "path");
  request->file_size = static_cast<uint64_t>(integerOf(info[1], "file size"));
  readRanges(arrayOf(info[2], "ranges"), *request);
  const Napi::Array tensors = arrayOf(info[3], "tensors");
  for (uint32_t i = 0; i < tensors.Length(); i++) {
    const Napi::HandleScope scope(info.Env());
    request->tensors.push_back(readTensor(arrayOf(tensors[i], "tensor")));
  }
  return request;
}

// fn(path, file size, ranges, tensors) -> promise of ids
template <auto load>
Napi::Value Load(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.runAsync([&environment, request = readRequest(info)](const Cancellation&) -> Environment::Finish {
    auto tensors = load(request->path, request->file_size, request->ranges, request->tensors);
    return [&environment, tensors = std::move(tensors)](Napi::Env env) -> Napi::Value {
      auto ids = Napi::Array::New(env, tensors.size());
      for (uint32_t i = 0; i < tensors.size(); i++) ids.Set(i, environment.wrap(tensors[i]));
      return ids;
    };
  });
}

// writeTensorFile(path, prefix, ids) -> promise
Napi::Value Write(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [path = stringOf(info[0], "path"), prefix = bytesOf(info[1], "prefix"),
               tensors = environment.tensors(info[2])](const Cancellation&) -> Environment::Finish {
    writeTensorFile(path, prefix, tensors);
    return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

}  // namespace

void exportTensorFile(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("mapTensors", Napi::Function::New<callback<Load<mapTensors>>>(env));
  exports.Set("readTensors", Napi::Function::New<callback<Load<readTensors>>>(env));
  exports.Set("writeTensorFile", Napi::Function::New<callback<Write>>(env));
}

}  // namespace eegtorch
