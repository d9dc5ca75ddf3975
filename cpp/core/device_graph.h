// Work on a GPU that was captured once as a CUDA graph and is launched again whole.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace eegtorch {

class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  // Sends the captured work to the current stream. What it reads and writes stays where it was.
  virtual void replay() = 0;
};

using DeviceGraphPtr = std::shared_ptr<DeviceGraph>;

// Captures what `work` sends to a GPU, which does not run. sharing: a graph that runs before this one each time, whose
// memory this one's results may lie in. Throws INVALID_OPTION for `cudaGraph` where this build has no CUDA, c10::Error
// where `work` waits for the GPU.
DeviceGraphPtr captureDeviceGraph(c10::Device device, const std::function<void()>& work,
                                  const DeviceGraphPtr& sharing = nullptr);

}  // namespace eegtorch
