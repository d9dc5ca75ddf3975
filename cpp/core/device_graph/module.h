// What the addon and eegtorch_cuda_graph.so say to each other.
#pragma once

#include "core/device_graph.h"

namespace eegtorch {

struct GraphRequest {
  c10::Device device;
  const std::function<void()>& work;
  const DeviceGraphPtr& sharing;
};

// The one symbol of eegtorch_cuda_graph.so.
inline constexpr const char* kCaptureGraph = "eegtorchCaptureGraph";
using CaptureGraph = void (*)(const GraphRequest& request, DeviceGraphPtr& graph);

}  // namespace eegtorch
