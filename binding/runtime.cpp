// The process as a whole: versions, threads, random state, counters, shutting down.
#include "runtime.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <malloc.h>
#include <torch/version.h>

#include <algorithm>

#include "convert.h"
#include "core/allocator.h"
#include "core/dtype.h"
#include "errors.h"
#include "store/prefetcher.h"

namespace eegtorch {

namespace {

Napi::Value Version(Environment&, const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("built", TORCH_VERSION);
  result.Set("cpu", at::get_cpu_capability());
  result.Set("cuda", at::hasCUDA());
  result.Set("devices", static_cast<double>(at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0));
  return result;
}

// freeMemory(device): bytes that a device other than the CPU has to give.
Napi::Value FreeMemory(Environment&, const Napi::CallbackInfo& info) {
  const auto device = deviceFromName(stringOf(info[0], "device"));
  const auto index = std::max<c10::DeviceIndex>(device.index(), 0);
  return Napi::Number::New(info.Env(),
                           static_cast<double>(c10::getDeviceAllocator(device.type())->getMemoryInfo(index).first));
}

Napi::Value Threads(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), at::get_num_threads());
}

// setThreads(count): for this thread and, in order with its other work, the compute thread.
Napi::Value SetThreads(Environment& environment, const Napi::CallbackInfo& info) {
  const int64_t count = integerOf(info[0], "threads");
  if (count < 1 || count > 4096)
    throw Error("INVALID_OPTION", "threads is out of range", "1 to 4096", std::to_string(count));
  at::set_num_threads(static_cast<int>(count));
  return environment.runAsync([count](const Cancellation&) -> Environment::Finish {
    at::set_num_threads(static_cast<int>(count));
    return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
  });
}

Napi::Value Seed(Environment&, const Napi::CallbackInfo& info) {
  at::manual_seed(static_cast<uint64_t>(integerOf(info[0], "seed")));
  return info.Env().Undefined();
}

at::Generator defaultGenerator() { return at::detail::getDefaultCPUGenerator(); }

// randomState(): the CPU generator's, as a tensor of bytes; setRandomState takes it back.
Napi::Value RandomState(Environment& environment, const Napi::CallbackInfo& info) {
  auto generator = defaultGenerator();
  const std::lock_guard lock(generator.mutex());
  return {info.Env(), environment.wrap(generator.get_state())};
}

Napi::Value SetRandomState(Environment& environment, const Napi::CallbackInfo& info) {
  auto generator = defaultGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(environment.tensor(info[0]));
  return info.Env().Undefined();
}

Napi::Value Counters(Environment& environment, const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("tensors", static_cast<double>(environment.table.live()));
  result.Set("bytes", static_cast<double>(environment.table.liveBytes()));
  result.Set("external", static_cast<double>(environment.adjustExternal()));
  result.Set("jobs", static_cast<double>(ComputeThread::instance().pending()));
  return result;
}

// releaseMemory(): what is free but kept for the next allocation goes back to the system and the GPU.
Napi::Value ReleaseMemory(Environment&, const Napi::CallbackInfo& info) {
  releaseCachedMemory();
  malloc_trim(0);
  if (at::hasCUDA() && at::getDeviceAllocator(at::kCUDA)->initialized())
    at::getDeviceAllocator(at::kCUDA)->emptyCache();
  return info.Env().Undefined();
}

// onLiveBytes(limit, callback)
Napi::Value OnLiveBytes(Environment& environment, const Napi::CallbackInfo& info) {
  environment.setLiveByteLimit(integerOf(info[0], "limit"), functionOf(info[1], "callback"));
  return info.Env().Undefined();
}

// What process.on('exit') calls: running threads must not outlive the libraries that they run.
Napi::Value Stop(Environment&, const Napi::CallbackInfo& info) {
  ComputeThread::instance().stop();
  Prefetcher::stopAll();
  return info.Env().Undefined();
}

// makeCancellation(): an id for asynchronous calls; cancel(id) drops those that wait and stops what can be stopped.
Napi::Value MakeCancellation(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), environment.addObject(std::make_shared<Cancellation>(), kCancellation));
}

Napi::Value Cancel(Environment& environment, const Napi::CallbackInfo& info) {
  environment.cancellation(info[0])->request();
  return info.Env().Undefined();
}

Napi::Value RemoveObject(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.removeObject(numberOf(info[0], "an object")));
}

}  // namespace

void exportRuntime(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("version", Napi::Function::New<callback<Version>>(env));
  exports.Set("freeMemory", Napi::Function::New<callback<FreeMemory>>(env));
  exports.Set("threads", Napi::Function::New<callback<Threads>>(env));
  exports.Set("setThreads", Napi::Function::New<callback<SetThreads>>(env));
  exports.Set("seed", Napi::Function::New<callback<Seed>>(env));
  exports.Set("randomState", Napi::Function::New<callback<RandomState>>(env));
  exports.Set("setRandomState", Napi::Function::New<callback<SetRandomState>>(env));
  exports.Set("counters", Napi::Function::New<callback<Counters>>(env));
  exports.Set("releaseMemory", Napi::Function::New<callback<ReleaseMemory>>(env));
  exports.Set("onLiveBytes", Napi::Function::New<callback<OnLiveBytes>>(env));
  exports.Set("stop", Napi::Function::New<callback<Stop>>(env));
  exports.Set("makeCancellation", Napi::Function::New<callback<MakeCancellation>>(env));
  exports.Set("cancel", Napi::Function::New<callback<Cancel>>(env));
  exports.Set("removeObject", Napi::Function::New<callback<RemoveObject>>(env));
}

}  // namespace eegtorch
