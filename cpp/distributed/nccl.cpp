#include <ATen/Context.h>

#include "core/error.h"
#include "core/side_library.h"
#include "distributed/nccl/module.h"

namespace eegtorch {

BackendPtr makeNcclBackend(const StorePtr& store, int rank, int size, std::chrono::milliseconds timeout) {
  if (!at::hasCUDA())
    throw Error("INVALID_OPTION", "NCCL needs a GPU, and LibTorch sees none; npx eegtorch doctor says why", "'gloo'",
                "'nccl'", "backend");
  const auto make =
      reinterpret_cast<MakeNcclBackend>(openBeside("eegtorch_nccl.so", kMakeNcclBackend, "NCCL", "backend"));
  BackendPtr backend;
  make({store, rank, size, timeout}, backend);
  return backend;
}

}  // namespace eegtorch
