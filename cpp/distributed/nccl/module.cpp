// A library of its own, opened when NCCL is asked for: it needs LibTorch's CUDA libraries, which not every machine has.
#define USE_C10D_NCCL
#include "distributed/nccl/module.h"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" __attribute__((visibility("default"))) void eegtorchMakeNcclBackend(const eegtorch::NcclRequest& request,
                                                                               eegtorch::BackendPtr& backend) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = request.timeout;
  backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(request.store, request.rank, request.size, std::move(options));
}
