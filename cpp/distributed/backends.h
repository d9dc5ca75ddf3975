// What carries tensors between processes: one c10d backend for each kind of device.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace eegtorch {

using StorePtr = c10::intrusive_ptr<c10d::Store>;
using BackendPtr = c10::intrusive_ptr<c10d::Backend>;

// CPU tensors over TCP. GLOO_SOCKET_IFNAME names the network interface, as in PyTorch.
BackendPtr makeGlooBackend(const StorePtr& store, int rank, int size, std::chrono::milliseconds timeout);

// CUDA tensors. Throws INVALID_OPTION where this build or this machine has no NCCL.
BackendPtr makeNcclBackend(const StorePtr& store, int rank, int size, std::chrono::milliseconds timeout);

}  // namespace eegtorch
