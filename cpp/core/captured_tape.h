// A tape that a GPU runs in one launch.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "core/named_tensors.h"
#include "core/tape.h"

namespace eegtorch {

struct CapturedRun;
using CapturedRunPtr = c10::intrusive_ptr<CapturedRun>;

// Replays step by step once on each thread that asks, so that libraries are ready; then captures the steps as a CUDA
// graph, with the graph of their gradients where those are recorded, and launches it. Outputs are copies. A gradient
// must be taken before the next run.
class CapturedTape {
 public:
  // gradients: whether they were recorded.
  CapturedTape(std::shared_ptr<const Tape> tape, bool gradients);
  ~CapturedTape();

  // inputs: on one GPU. Throws INVALID_OPTION where the steps cannot be captured.
  Tensors replay(const Tensors& inputs);

 private:
  std::shared_ptr<const Tape> tape_;
  bool gradients_;
  std::mutex mutex_;
  std::set<std::thread::id> warm_;
  std::map<std::vector<bool>, CapturedRunPtr> runs_;  // by which inputs require a gradient
};

// The GPU that all tensors are on. Throws INVALID_OPTION for `cudaGraph` where there is none.
c10::Device commonGpu(const Tensors& tensors);

}  // namespace eegtorch
