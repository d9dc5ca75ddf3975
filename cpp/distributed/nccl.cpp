#include <ATen/Context.h>
#include <dlfcn.h>

#include "core/error.h"
#include "distributed/nccl/module.h"

namespace eegtorch {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error("INVALID_OPTION", why, "'gloo'", "'nccl'", "backend"); }

// The library lies beside the addon, which this function is in.
std::string modulePath() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&makeNcclBackend), &info) == 0) refuse("the place of the addon is unknown");
  const std::string addon = info.dli_fname;
  return addon.substr(0, addon.rfind('/') + 1) + "eegtorch_nccl.so";
}

MakeNcclBackend openModule() {
  void* module = dlopen(modulePath().c_str(), RTLD_NOW);
  if (!module) refuse(std::string("this build of eegtorch has no NCCL (") + dlerror() + ")");
  return reinterpret_cast<MakeNcclBackend>(dlsym(module, kMakeNcclBackend));
}

}  // namespace

BackendPtr makeNcclBackend(const StorePtr& store, int rank, int size, std::chrono::milliseconds timeout) {
  if (!at::hasCUDA()) refuse("NCCL needs a GPU, and LibTorch sees none; npx eegtorch doctor says why");
  const MakeNcclBackend make = openModule();
  BackendPtr backend;
  make({store, rank, size, timeout}, backend);
  return backend;
}

}  // namespace eegtorch
