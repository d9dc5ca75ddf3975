// Networks of the registry: made from a config, run, moved, and read and written by the reference's names.
#include "model.h"

#include <ATen/Context.h>

#include <algorithm>
#include <optional>

#include "blocks/dropout.h"
#include "blocks/layers.h"
#include "convert.h"
#include "core/allocator.h"
#include "core/dtype.h"
#include "core/methods.h"
#include "core/state_dict.h"
#include "core/thread_team.h"
#include "errors.h"

namespace eegtorch {

namespace {

constexpr const char* kKind = "model";

Napi::Value describeField(Napi::Env env, const FieldDescription& field) {
  auto result = Napi::Object::New(env);
  result.Set("name", field.name);
  result.Set("type", field.type);
  result.Set("doc", field.doc);
  result.Set("default", fromValue(env, field.default_value));
  return result;
}

// models(): [{name, citation, inputs, outputs, fields: [{name, type, doc, default}]}]
Napi::Value Models(Environment&, const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto result = Napi::Array::New(env);
  for (const auto& entry : registry()) {
    auto fields = Napi::Array::New(env);
    for (const auto& field : entry.describe()) fields.Set(fields.Length(), describeField(env, field));
    auto model = Napi::Object::New(env);
    model.Set("name", entry.name);
    model.Set("citation", entry.citation);
    model.Set("inputs", fromStrings(env, entry.inputs));
    model.Set("outputs", fromStrings(env, entry.outputs));
    model.Set("fields", fields);
    result.Set(result.Length(), model);
  }
  return result;
}

// makeModel(name, config, budget?, draw?) -> number. budget: bytes that its weights may take, where a file's config is
// not to be believed. draw: false where weights are loaded afterwards, so that none need be drawn.
Napi::Value MakeModel(Environment& environment, const Napi::CallbackInfo& info) {
  environment.adjustExternal();  // models that nobody holds may make room
  auto handle = std::make_shared<ModelHandle>();
  handle->entry = std::shared_ptr<const RegistryEntry>(std::shared_ptr<void>(), &findModel(stringOf(info[0], "model")));
  const Value config = valueOf(info[1]);
  handle->config = handle->entry->complete(config);
  std::optional<AllocationBudget> budget;
  if (!info[2].IsUndefined())
    budget.emplace(integerOf(info[2], "budget"), "CHECKPOINT_MISMATCH",
                   "the config asks for a larger " + handle->entry->name + " than the file has weights for");
  std::optional<WithoutInitialisation> undrawn;
  if (!info[3].IsUndefined() && !booleanOf(info[3], "draw")) undrawn.emplace();
  handle->module = handle->entry->build(config);
  const double id = addModel(environment, handle);
  if (!undrawn) noteModelBytes(environment, id, *handle);
  return Napi::Number::New(info.Env(), id);
}

Napi::Value ModelConfig(Environment& environment, const Napi::CallbackInfo& info) {
  return fromValue(info.Env(), modelOf(environment, info[0])->config);
}

// modelInputs(model): names of what it takes, in order; "name?" may be absent.
Napi::Value ModelInputs(Environment& environment, const Napi::CallbackInfo& info) {
  return fromStrings(info.Env(), modelOf(environment, info[0])->inputs);
}

// modelOutputs(model): names of what it gives, in order.
Napi::Value ModelOutputs(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  return fromStrings(info.Env(), handle->entry->outputsOf(handle->config));
}

// {names, ids}: ids are new handles of the tensors.
Napi::Value named(Environment& environment, Napi::Env env, const NamedTensors& tensors) {
  auto names = Napi::Array::New(env, tensors.size()), ids = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) {
    names.Set(i, tensors[i].first);
    ids.Set(i, environment.wrap(tensors[i].second));
  }
  auto result = Napi::Object::New(env);
  result.Set("names", names);
  result.Set("ids", ids);
  return result;
}

template <class Dict>
NamedTensors listOf(const Dict& dict) {
  NamedTensors result;
  for (const auto& item : dict) result.emplace_back(item.key(), item.value());
  return result;
}

Napi::Value ModelParameters(Environment& environment, const Napi::CallbackInfo& info) {
  return named(environment, info.Env(), listOf(modelOf(environment, info[0])->module->named_parameters()));
}

Napi::Value ModelBuffers(Environment& environment, const Napi::CallbackInfo& info) {
  return named(environment, info.Env(), listOf(modelOf(environment, info[0])->module->named_buffers()));
}

// modelState(model): parameters and buffers, without gradient history, over the model's own memory.
Napi::Value ModelState(Environment& environment, const Napi::CallbackInfo& info) {
  auto state = stateDict(*modelOf(environment, info[0])->module);
  for (auto& [name, tensor] : state) tensor = tensor.detach();
  return named(environment, info.Env(), state);
}

// modelShapes(model): {names, shapes} of what modelState gives. A large network has hundreds of tensors, and handles of
// gigabytes make the garbage collector run.
Napi::Value ModelShapes(Environment& environment, const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto state = stateDict(*modelOf(environment, info[0])->module);
  auto names = Napi::Array::New(env, state.size()), shapes = Napi::Array::New(env, state.size());
  for (uint32_t i = 0; i < state.size(); i++) {
    const auto sizes = state[i].second.sizes();
    auto shape = Napi::Array::New(env, sizes.size());
    for (uint32_t d = 0; d < sizes.size(); d++) shape.Set(d, static_cast<double>(sizes[d]));
    names.Set(i, state[i].first);
    shapes.Set(i, shape);
  }
  auto result = Napi::Object::New(env);
  result.Set("names", names);
  result.Set("shapes", shapes);
  return result;
}

// modelTies(model): {name: the earlier name of the same tensor}
Napi::Value ModelTies(Environment& environment, const Napi::CallbackInfo& info) {
  auto names = Napi::Object::New(info.Env());
  for (const auto& [again, first] : tiedNames(stateDict(*modelOf(environment, info[0])->module)))
    names.Set(again, first);
  return names;
}

// modelOlderNames(model): {older name: name of today}
Napi::Value ModelOlderNames(Environment& environment, const Napi::CallbackInfo& info) {
  auto names = Napi::Object::New(info.Env());
  for (const auto& [older, name] : modelOf(environment, info[0])->module->olderNames()) names.Set(older, name);
  return names;
}

// modelLoad(model, names, tensors)
Napi::Value ModelLoad(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  const auto names = arrayOf(info[1], "names");
  const auto tensors = environment.tensors(info[2]);
  NamedTensors given;
  for (uint32_t i = 0; i < tensors.size(); i++) given.emplace_back(stringOf(names.Get(i), "a name"), tensors[i]);
  const std::lock_guard lock(handle->mutex);
  loadStateDict(*handle->module, given, handle->entry->name);
  return info.Env().Undefined();
}

// method: "" for all of the network.
Tensors runModel(ModelHandle& handle, const std::string& method, const Tensors& inputs, bool training) {
  const std::lock_guard lock(handle.mutex);
  if (handle.module->is_training() != training) handle.module->train(training);
  spreadThreadTeam();
  if (method.empty()) return handle.module->run(inputs);
  const auto network = std::dynamic_pointer_cast<HasMethods>(handle.module);
  if (!network) throw Error("UNKNOWN_NAME", handle.entry->name + " has no methods", "none", method);
  return network->call(method, inputs);
}

// ids: null, or none at the end, where an input is absent; it is an undefined tensor then.
Tensors inputsOf(Environment& environment, const ModelHandle& handle, Napi::Value ids) {
  const auto list = arrayOf(ids, "a list of tensors");
  const auto& names = handle.inputs;
  if (names.empty()) return environment.tensors(ids);  // a recorded network knows for which it was recorded
  const auto needed = std::count_if(names.begin(), names.end(), [](const auto& name) { return name.back() != '?'; });
  if (list.Length() < needed || list.Length() > names.size())
    throw Error("INVALID_OPTION", handle.entry->name + " received another number of inputs", std::to_string(needed),
                std::to_string(list.Length()));
  Tensors inputs(names.size());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value id = list.Get(i);
    if (names[i].back() != '?' || !id.IsNull()) inputs[i] = environment.tensor(id);
  }
  return inputs;
}

torch::jit::Stack stackOf(const Tensors& tensors) { return {tensors.begin(), tensors.end()}; }

// Computes now, for an eager call.
Napi::Value compute(Environment& environment, const std::shared_ptr<ModelHandle>& handle, const std::string& method,
                    const Tensors& inputs) {
  const auto outputs = runModel(*handle, method, inputs, handle->training);
  if (environment.recorder) {
    const auto again = [handle, method, training = handle->training](torch::jit::Stack& stack) {
      Tensors given;
      for (const auto& value : stack) given.push_back(value.toTensor());
      stack = stackOf(runModel(*handle, method, given, training));
    };
    environment.recorder->note(again, stackOf(inputs), stackOf(outputs));
  }
  return environment.wrapAll(outputs);
}

// Computes on the compute thread.
Napi::Value computeLater(Environment& environment, const std::shared_ptr<ModelHandle>& handle,
                         const std::string& method, const Tensors& inputs, Napi::Value cancellation) {
  auto work = [&environment, handle, method, inputs,
               training = handle->training](const Cancellation&) -> Environment::Finish {
    auto outputs = runModel(*handle, method, inputs, training);
    return [&environment, outputs](Napi::Env) { return environment.wrapAll(outputs); };
  };
  return environment.runAsync(std::move(work), environment.cancellation(cancellation));
}

// modelRun(model, inputs) -> outputs
Napi::Value ModelRun(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  return compute(environment, handle, "", inputsOf(environment, *handle, info[1]));
}

// modelRunAsync(model, inputs, cancellation?): the same on the compute thread.
Napi::Value ModelRunAsync(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("run a model asynchronously");
  const auto handle = modelOf(environment, info[0]);
  return computeLater(environment, handle, "", inputsOf(environment, *handle, info[1]), info[2]);
}

// modelCall(model, method, inputs) -> outputs: a part of a network (core/methods.h).
Napi::Value ModelCall(Environment& environment, const Napi::CallbackInfo& info) {
  const auto inputs = environment.tensors(info[2]);
  return compute(environment, modelOf(environment, info[0]), stringOf(info[1], "a method"), inputs);
}

// modelCallAsync(model, method, inputs, cancellation?): the same on the compute thread.
Napi::Value ModelCallAsync(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("call a part of a model asynchronously");
  const auto inputs = environment.tensors(info[2]);
  return computeLater(environment, modelOf(environment, info[0]), stringOf(info[1], "a method"), inputs, info[3]);
}

// modelTrain(model, on): dropout and batch statistics on, or off.
Napi::Value ModelTrain(Environment& environment, const Napi::CallbackInfo& info) {
  modelOf(environment, info[0])->training = booleanOf(info[1], "training");
  return info.Env().Undefined();
}

// modelSilenceDropout(model): for parity cases, also where a network fixes the rate itself.
Napi::Value ModelSilenceDropout(Environment& environment, const Napi::CallbackInfo& info) {
  for (const auto& part : modelOf(environment, info[0])->module->modules())
    if (const auto dropout = std::dynamic_pointer_cast<DropoutImpl>(part)) dropout->silence();
  return info.Env().Undefined();
}

Napi::Value ModelIsTraining(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), modelOf(environment, info[0])->training);
}

// modelMove(model, device | null, dtype | null)
Napi::Value ModelMove(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  const auto parameters = handle->module->parameters();
  const auto current = parameters.empty() ? at::Device(at::kCPU) : parameters.front().device();
  const auto device = info[1].IsNull() ? current : deviceOf(info[1]);
  const auto dtype = info[2].IsNull() ? std::nullopt : std::optional(floatDtypeOf(info[2]));
  const std::lock_guard lock(handle->mutex);
  moveModule(*handle->module, device, dtype);
  noteModelBytes(environment, numberOf(info[0], "a model"), *handle);
  return info.Env().Undefined();
}

Napi::Value ModelZeroGrad(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  const std::lock_guard lock(handle->mutex);
  handle->module->zero_grad();
  return info.Env().Undefined();
}

}  // namespace

void noteModelBytes(Environment& environment, double id, const ModelHandle& handle) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : stateDict(*handle.module))
    if (tensor.is_cpu()) bytes += static_cast<int64_t>(tensor.nbytes());
  environment.setObjectBytes(id, bytes);
}

at::Device deviceOf(Napi::Value value) {
  const auto device = deviceFromName(stringOf(value, "device"));
  if (!device.is_cuda()) return device;
  const int count = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (std::max<int>(device.index(), 0) >= count)
    throw Error("DEVICE_MISMATCH", "a model cannot move to " + device.str(), "one of the GPUs that LibTorch found",
                std::to_string(count) + " found");
  return device;
}

at::ScalarType floatDtypeOf(Napi::Value value) {
  const auto name = stringOf(value, "dtype");
  const auto dtype = dtypeFromName(name);
  if (!at::isFloatingType(dtype))
    throw Error("DTYPE_MISMATCH", "a model cannot be of dtype " + name, "a floating-point dtype", name);
  return dtype;
}

double addModel(Environment& environment, const std::shared_ptr<ModelHandle>& handle) {
  const auto& entry = *handle->entry;
  handle->inputs = entry.inputsOf ? entry.inputsOf(handle->config) : entry.inputs;
  return environment.addObject(handle, kKind);
}

std::shared_ptr<ModelHandle> modelOf(Environment& environment, Napi::Value id) {
  return std::static_pointer_cast<ModelHandle>(environment.object(numberOf(id, "a model"), kKind));
}

void exportModel(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("models", Napi::Function::New<callback<Models>>(env));
  exports.Set("makeModel", Napi::Function::New<callback<MakeModel>>(env));
  exports.Set("modelConfig", Napi::Function::New<callback<ModelConfig>>(env));
  exports.Set("modelInputs", Napi::Function::New<callback<ModelInputs>>(env));
  exports.Set("modelOutputs", Napi::Function::New<callback<ModelOutputs>>(env));
  exports.Set("modelParameters", Napi::Function::New<callback<ModelParameters>>(env));
  exports.Set("modelBuffers", Napi::Function::New<callback<ModelBuffers>>(env));
  exports.Set("modelShapes", Napi::Function::New<callback<ModelShapes>>(env));
  exports.Set("modelState", Napi::Function::New<callback<ModelState>>(env));
  exports.Set("modelTies", Napi::Function::New<callback<ModelTies>>(env));
  exports.Set("modelOlderNames", Napi::Function::New<callback<ModelOlderNames>>(env));
  exports.Set("modelLoad", Napi::Function::New<callback<ModelLoad>>(env));
  exports.Set("modelRun", Napi::Function::New<callback<ModelRun>>(env));
  exports.Set("modelRunAsync", Napi::Function::New<callback<ModelRunAsync>>(env));
  exports.Set("modelCall", Napi::Function::New<callback<ModelCall>>(env));
  exports.Set("modelCallAsync", Napi::Function::New<callback<ModelCallAsync>>(env));
  exports.Set("modelTrain", Napi::Function::New<callback<ModelTrain>>(env));
  exports.Set("modelSilenceDropout", Napi::Function::New<callback<ModelSilenceDropout>>(env));
  exports.Set("modelIsTraining", Napi::Function::New<callback<ModelIsTraining>>(env));
  exports.Set("modelMove", Napi::Function::New<callback<ModelMove>>(env));
  exports.Set("modelZeroGrad", Napi::Function::New<callback<ModelZeroGrad>>(env));
}

}  // namespace eegtorch
