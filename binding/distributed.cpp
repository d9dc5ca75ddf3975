// Process groups as JavaScript sees them. All that talks to other processes runs on the compute thread, in the order of
// the calls: the processes must agree on it.
#include "distributed.h"

#include "convert.h"
#include "errors.h"

namespace eegtorch {
namespace {

constexpr const char* kKind = "process group";
using GroupPtr = std::shared_ptr<ProcessGroup>;

// createProcessGroup(options) -> number, when all processes have come
Napi::Value createProcessGroup(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [&environment, options = valueOf(info[0])](const Cancellation&) -> Environment::Finish {
    auto group = std::make_shared<ProcessGroup>(options);
    return [&environment, group = std::move(group)](Napi::Env env) -> Napi::Value {
      return Napi::Number::New(env, environment.addObject(group, kKind));
    };
  };
  return environment.runAsync(std::move(work));
}

Napi::Value releaseProcessGroup(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.removeObject(numberOf(info[0], "a process group")));
}

// Runs something that gives nothing.
Napi::Value runWith(Environment& environment, GroupPtr group, std::function<void(const ProcessGroup&)> body) {
  auto work = [group = std::move(group), body = std::move(body)](const Cancellation&) -> Environment::Finish {
    body(*group);
    return [](Napi::Env env) { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

// Other processes write into a tensor's memory: gradients do not pass through.
at::Tensor exchanged(Environment& environment, Napi::Value id) {
  const at::Tensor& tensor = environment.tensor(id);
  environment.refuseReading(tensor);
  return tensor.detach();
}

// allReduce(group, tensor, reduction), in place
Napi::Value allReduce(Environment& environment, const Napi::CallbackInfo& info) {
  auto body = [tensor = exchanged(environment, info[1]), reduction = stringOf(info[2], "a reduction")](
                  const ProcessGroup& group) { group.allReduce(tensor, reduction); };
  return runWith(environment, processGroupOf(environment, info[0]), std::move(body));
}

// broadcast(group, tensor, root), in place
Napi::Value broadcast(Environment& environment, const Napi::CallbackInfo& info) {
  auto body = [tensor = exchanged(environment, info[1]), root = integerOf(info[2], "root")](const ProcessGroup& group) {
    group.broadcast({tensor}, root);
  };
  return runWith(environment, processGroupOf(environment, info[0]), std::move(body));
}

// allGather(group, tensor) -> tensors
Napi::Value allGather(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [&environment, group = processGroupOf(environment, info[0]),
               tensor = exchanged(environment, info[1])](const Cancellation&) -> Environment::Finish {
    return [&environment, tensors = group->allGather(tensor)](Napi::Env) { return environment.wrapAll(tensors); };
  };
  return environment.runAsync(std::move(work));
}

Napi::Value barrier(Environment& environment, const Napi::CallbackInfo& info) {
  return runWith(environment, processGroupOf(environment, info[0]), [](const ProcessGroup& group) { group.barrier(); });
}

}  // namespace

std::shared_ptr<ProcessGroup> processGroupOf(Environment& environment, Napi::Value id) {
  return std::static_pointer_cast<ProcessGroup>(environment.object(numberOf(id, "a process group"), kKind));
}

void exportDistributed(Environment& environment, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(environment.env(), function, name));
  };
  add("createProcessGroup", callback<createProcessGroup>);
  add("releaseProcessGroup", callback<releaseProcessGroup>);
  add("allReduce", callback<allReduce>);
  add("broadcast", callback<broadcast>);
  add("allGather", callback<allGather>);
  add("barrier", callback<barrier>);
}

}  // namespace eegtorch
