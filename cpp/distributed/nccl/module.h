// What the addon and eegtorch_nccl.so say to each other.
#pragma once

#include "distributed/backends.h"

namespace eegtorch {

struct NcclRequest {
  StorePtr store;
  int rank, size;
  std::chrono::milliseconds timeout;
};

// The one symbol of eegtorch_nccl.so.
inline constexpr const char* kMakeNcclBackend = "eegtorchMakeNcclBackend";
using MakeNcclBackend = void (*)(const NcclRequest& request, BackendPtr& backend);

}  // namespace eegtorch
