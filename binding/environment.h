// What one JavaScript environment (the main thread or a worker) owns in the addon.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/compute_thread.h"
#include "core/named_tensors.h"
#include "core/tape.h"
#include "operator.h"
#include "tensor_table.h"

namespace eegtorch {

// The kind under which addObject keeps a Cancellation.
inline constexpr const char* kCancellation = "cancellation";

class Environment {
 public:
  explicit Environment(napi_env env);
  ~Environment();
  Environment(const Environment&) = delete;

  static Environment& of(napi_env env);

  napi_env env() const { return env_; }

  // The number of a new tensor, or null for an undefined one. Tells V8 of bytes in steps, and JavaScript of a passed
  // limit.
  napi_value wrap(at::Tensor tensor);
  at::Tensor& tensor(napi_value id);
  Tensors tensors(Napi::Value ids);
  Napi::Array wrapAll(const Tensors& tensors);
  // As pairs of a name and a number.
  Napi::Array wrapNamed(const NamedTensors& tensors);
  NamedTensors namedTensors(Napi::Value pairs);
  void report();

  // Calls back once, each time that live bytes pass the limit. 0: never.
  void setLiveByteLimit(int64_t bytes, Napi::Function callback);

  // Native objects other than tensors (models, optimisers, generators), by number. Use `share` and `shared`.
  double addObject(std::shared_ptr<void> object, const char* kind);
  std::shared_ptr<void> object(double id, const char* kind);
  bool removeObject(double id);
  // Notes how much memory an object holds now; forgotten when it is removed. V8, which may answer gigabytes with a full
  // collection of some 20 ms, is told of more only with what comes next: for this object nothing can be freed any more.
  void setObjectBytes(double id, int64_t bytes);
  // Tells V8 of memory that it cannot see. Gives all that it was told of, by others too.
  int64_t adjustExternal(int64_t change = 0);

  // Runs `work` on the compute thread. What it returns is called on JavaScript's thread and gives the promise's value.
  // The caller's gradient mode holds. `cancellation` may be null.
  using Finish = std::function<Napi::Value(Napi::Env)>;
  Napi::Promise runAsync(std::function<Finish(const Cancellation&)> work,
                         std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>());

  // The cancellation of an id that makeCancellation gave, or a new one for undefined.
  std::shared_ptr<Cancellation> cancellation(Napi::Value id);

  // Waits until no job of this environment runs; waiting ones are forgotten.
  void drop();

  TensorTable table;
  std::vector<Operator> operators;
  std::unique_ptr<TapeRecorder> recorder;  // while a function is recorded

  // What a recording cannot hold: its result would be taken for a constant.
  void refuseWhileRecording(const char* what) const;
  // Values that depend on what differs from replay to replay.
  void refuseReading(const at::Tensor& tensor) const;

 private:
  struct Completion;
  static void complete(napi_env env, napi_value, void* context, void* data);

  napi_env env_;
  napi_threadsafe_function completions_ = nullptr;
  int64_t pending_ = 0;
  int64_t untold_ = 0;  // bytes of objects
  int64_t live_byte_limit_ = 0;
  bool above_limit_ = false;
  Napi::FunctionReference limit_callback_;
  struct Object {
    const char* kind;
    std::shared_ptr<void> object;
    int64_t bytes = 0;
  };
  std::unordered_map<uint64_t, Object> objects_;
  uint64_t next_object_ = 1;
};

}  // namespace eegtorch
