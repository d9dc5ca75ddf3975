#include "environment.h"

#include <ATen/core/grad_mode.h>

#include <cstring>
#include <utility>

#include "convert.h"
#include "errors.h"

namespace eegtorch {

// A job's way back to JavaScript.
struct Environment::Completion {
  Environment* environment;
  Napi::Promise::Deferred deferred;
  Finish finish;
  std::exception_ptr failure;
};

Environment::Environment(napi_env env) : env_(env) {
  napi_value name;
  napi_create_string_utf8(env, "eegtorch", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, complete, &completions_);
  napi_unref_threadsafe_function(env, completions_);
  // After the thread-safe function's own hook, so it runs before it: hooks run last to first.
  napi_add_env_cleanup_hook(env, [](void* self) { static_cast<Environment*>(self)->drop(); }, this);
}

Environment::~Environment() { drop(); }

Environment& Environment::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

napi_value Environment::wrap(at::Tensor tensor) {
  napi_value result;
  if (!tensor.defined()) {
    napi_get_null(env_, &result);
    return result;
  }
  napi_create_double(env_, table.put(std::move(tensor)), &result);
  if (table.hasMuchUnreported()) report();
  return result;
}

at::Tensor& Environment::tensor(napi_value id) {
  double number;
  if (napi_get_value_double(env_, id, &number) != napi_ok) throw Error("INVALID_OPTION", "a tensor was expected");
  return table.get(number);
}

Tensors Environment::tensors(Napi::Value ids) {
  const auto list = arrayOf(ids, "a list of tensors");
  Tensors result;
  result.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) result.push_back(tensor(list.Get(i)));
  return result;
}

Napi::Array Environment::wrapAll(const Tensors& tensors) {
  auto ids = Napi::Array::New(env_, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) ids.Set(i, wrap(tensors[i]));
  return ids;
}

Napi::Array Environment::wrapNamed(const NamedTensors& tensors) {
  auto pairs = Napi::Array::New(env_, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) {
    auto pair = Napi::Array::New(env_, 2);
    pair.Set(0u, Napi::String::New(env_, tensors[i].first));
    pair.Set(1u, wrap(tensors[i].second));
    pairs.Set(i, pair);
  }
  return pairs;
}

NamedTensors Environment::namedTensors(Napi::Value pairs) {
  const auto list = arrayOf(pairs, "named tensors");
  NamedTensors result;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto pair = arrayOf(list.Get(i), "a name and a tensor");
    result.emplace_back(stringOf(pair.Get(0u), "a name"), tensor(pair.Get(1u)));
  }
  return result;
}

void Environment::report() {
  adjustExternal(table.takeUnreported());
  const bool above = live_byte_limit_ > 0 && table.liveBytes() > live_byte_limit_;
  if (above && !above_limit_ && !limit_callback_.IsEmpty()) {
    above_limit_ = true;
    limit_callback_.Call({Napi::Number::New(env_, static_cast<double>(table.liveBytes()))});
  }
  above_limit_ = above;
}

void Environment::setLiveByteLimit(int64_t bytes, Napi::Function callback) {
  live_byte_limit_ = bytes;
  limit_callback_ = Napi::Persistent(callback);
}

double Environment::addObject(std::shared_ptr<void> object, const char* kind) {
  const uint64_t id = next_object_++;
  objects_.emplace(id, Object{kind, std::move(object)});
  return static_cast<double>(id);
}

std::shared_ptr<void> Environment::object(double id, const char* kind) {
  const auto found = id >= 1 ? objects_.find(static_cast<uint64_t>(id)) : objects_.end();
  if (found == objects_.end() || std::strcmp(found->second.kind, kind) != 0)
    throw Error("USED_AFTER_DISPOSE", std::string("this ") + kind + " was used after it was disposed of");
  return found->second.object;
}

bool Environment::removeObject(double id) {
  setObjectBytes(id, 0);
  return id >= 1 && objects_.erase(static_cast<uint64_t>(id)) > 0;
}

void Environment::setObjectBytes(double id, int64_t bytes) {
  const auto found = id >= 1 ? objects_.find(static_cast<uint64_t>(id)) : objects_.end();
  if (found == objects_.end()) return;
  untold_ += bytes - std::exchange(found->second.bytes, bytes);
  if (untold_ < 0) adjustExternal();
}

int64_t Environment::adjustExternal(int64_t change) {
  int64_t total = 0;
  napi_adjust_external_memory(env_, change + std::exchange(untold_, 0), &total);
  return total;
}

std::shared_ptr<Cancellation> Environment::cancellation(Napi::Value id) {
  if (id.IsUndefined()) return std::make_shared<Cancellation>();
  return std::static_pointer_cast<Cancellation>(object(numberOf(id, "a cancellation"), kCancellation));
}

Napi::Promise Environment::runAsync(std::function<Finish(const Cancellation&)> work,
                                    std::shared_ptr<Cancellation> cancellation) {
  auto completion = std::make_shared<std::unique_ptr<Completion>>(
      new Completion{this, Napi::Promise::Deferred::New(env_), nullptr, nullptr});
  const auto promise = (*completion)->deferred.Promise();
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, completions_);
  const bool grad = at::GradMode::is_enabled();
  auto run = [completion, work = std::move(work), cancellation, grad, completions = completions_] {
    try {
      const at::AutoGradMode mode(grad);
      cancellation->check();
      (*completion)->finish = work(*cancellation);
    } catch (...) {
      (*completion)->failure = std::current_exception();
    }
    // Refused when the environment is closing: then nobody waits, and the completion dies with this job.
    if (napi_call_threadsafe_function(completions, completion->get(), napi_tsfn_nonblocking) == napi_ok)
      completion->release();
  };
  ComputeThread::instance().submit({this, cancellation, std::move(run)});
  return promise;
}

void Environment::complete(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Completion> completion(static_cast<Completion*>(data));
  if (env == nullptr) return;  // the environment is closing
  auto& self = *static_cast<Environment*>(context);
  const Napi::HandleScope scope(env);
  if (--self.pending_ == 0) napi_unref_threadsafe_function(env, self.completions_);
  settle(completion->deferred, [&] {
    if (completion->failure) std::rethrow_exception(completion->failure);
    return completion->finish(env);
  });
}

void Environment::drop() { ComputeThread::instance().drop(this); }

void Environment::refuseWhileRecording(const char* what) const {
  if (recorder) throw Error("INVALID_OPTION", std::string("a recorded function cannot ") + what);
}

void Environment::refuseReading(const at::Tensor& tensor) const {
  if (recorder && recorder->depends(tensor))
    throw Error("INVALID_OPTION", "a recorded function cannot read the values of a tensor that depends on its inputs",
                "operators alone", "a look at the numbers");
}

}  // namespace eegtorch
