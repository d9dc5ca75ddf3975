// Tensors in files; the formats are read in lib/checkpoints. All of it runs on the compute thread, so that a file is
// written between two training steps and never in the middle of one.
#include "tensor_file.h"

#include "convert.h"
#include "core/tensor_file.h"
#include "errors.h"
#include "tensor_request.h"

namespace eegtorch {

namespace {

// fn(path, file size, ranges, tensors) -> promise of ids
template <auto load>
Napi::Value Load(Environment& environment, const Napi::CallbackInfo& info) {
  const auto request = readTensorRequest({info[0], info[1], info[2], info[3]});
  return environment.runAsync([&environment, request](const Cancellation&) -> Environment::Finish {
    auto tensors = load(request->path, request->file_size, request->ranges, request->tensors);
    return [&environment, tensors = std::move(tensors)](Napi::Env) { return environment.wrapAll(tensors); };
  });
}

// writeTensorFile(path, prefix, ids) -> promise
Napi::Value Write(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [path = stringOf(info[0], "path"), prefix = bytesFrom(info[1], "prefix"),
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
