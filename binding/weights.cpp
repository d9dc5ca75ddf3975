// Weights of files into a network, without copies where the file holds what is wanted; on the compute thread.
#include "weights.h"

#include "convert.h"
#include "core/weight_loader.h"
#include "errors.h"
#include "model.h"
#include "tensor_request.h"

namespace eegtorch {

namespace {

constexpr const char* kKind = "weights";

struct Loading {
  std::shared_ptr<ModelHandle> handle;
  std::unique_ptr<WeightLoader> loader;
};

// A file's part of the weights, with the names that its tensors have in the network.
struct Part {
  std::vector<std::string> names;
  std::shared_ptr<const TensorRequest> request;
};

std::vector<std::string> namesOf(Napi::Value value) {
  const Napi::Array names = arrayOf(value, "names");
  std::vector<std::string> result;
  for (uint32_t i = 0; i < names.Length(); i++) result.push_back(stringOf(names.Get(i), "a name"));
  return result;
}

// [names, path, file size, ranges, tensors]
Part readPart(Napi::Array part) {
  const Napi::Value path = part[1u], file_size = part[2u], ranges = part[3u], tensors = part[4u];
  Part result{namesOf(part[0u]), readTensorRequest({path, file_size, ranges, tensors})};
  if (result.names.size() != result.request->tensors.size())
    throw Error("INVALID_OPTION", "there is not one name for each tensor", std::to_string(result.names.size()),
                std::to_string(result.request->tensors.size()));
  return result;
}

NamedTensors open(const std::vector<Part>& parts, bool copy) {
  NamedTensors weights;
  for (const auto& [names, request] : parts) {
    const auto load = copy ? readTensors : mapLargeTensors;
    const auto tensors = load(request->path, request->file_size, request->ranges, request->tensors);
    for (size_t i = 0; i < names.size(); i++) weights.emplace_back(names[i], tensors[i]);
  }
  return weights;
}

// openWeights(model, parts, device | null, dtype | null, copy, kept) -> promise of a number: files opened, everything
// checked against the network, nothing of it changed. kept: names of tensors that may be in none of the files.
Napi::Value Open(Environment& environment, const Napi::CallbackInfo& info) {
  auto loading = std::make_shared<Loading>();
  loading->handle = modelOf(environment, info[0]);
  std::vector<Part> parts;
  const Napi::Array values = arrayOf(info[1], "parts");
  for (uint32_t i = 0; i < values.Length(); i++) parts.push_back(readPart(arrayOf(values[i], "a part")));
  Placement placement;
  if (!info[2].IsNull()) placement.device = deviceOf(info[2]);
  if (!info[3].IsNull()) placement.dtype = floatDtypeOf(info[3]);
  auto work = [&environment, loading, parts = std::move(parts), placement, copy = booleanOf(info[4], "copy"),
               kept = namesOf(info[5])](const Cancellation&) -> Environment::Finish {
    const auto& handle = *loading->handle;
    loading->loader =
        std::make_unique<WeightLoader>(handle.module, open(parts, copy), placement, kept, handle.entry->name);
    return [&environment, loading](Napi::Env env) -> Napi::Value {
      return Napi::Number::New(env, environment.addObject(loading, kKind));
    };
  };
  return environment.runAsync(std::move(work));
}

// loadWeights(weights, model, bytes, cancellation?) -> promise of [bytes done, total]
Napi::Value Load(Environment& environment, const Napi::CallbackInfo& info) {
  auto loading = std::static_pointer_cast<Loading>(environment.object(numberOf(info[0], "weights"), kKind));
  const double model = numberOf(info[1], "a model");
  const auto bytes = static_cast<uint64_t>(integerOf(info[2], "bytes"));
  auto work = [&environment, loading, model, bytes](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(loading->handle->mutex);
    const auto done = static_cast<double>(loading->loader->advance(bytes));
    const auto total = static_cast<double>(loading->loader->total());
    return [&environment, loading, model, done, total](Napi::Env env) -> Napi::Value {
      if (done == total) noteModelBytes(environment, model, *loading->handle);
      auto result = Napi::Array::New(env, 2);
      result.Set(0u, done);
      result.Set(1u, total);
      return result;
    };
  };
  return environment.runAsync(std::move(work), environment.cancellation(info[3]));
}

}  // namespace

void exportWeights(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("openWeights", Napi::Function::New<callback<Open>>(env));
  exports.Set("loadWeights", Napi::Function::New<callback<Load>>(env));
}

}  // namespace eegtorch
