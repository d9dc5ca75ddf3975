#include "core/device_graph.h"

#include "core/device_graph/module.h"
#include "core/side_library.h"

namespace eegtorch {

DeviceGraphPtr captureDeviceGraph(c10::Device device, const std::function<void()>& work,
                                  const DeviceGraphPtr& sharing) {
  const auto capture =
      reinterpret_cast<CaptureGraph>(openBeside("eegtorch_cuda_graph.so", kCaptureGraph, "CUDA graphs", "cudaGraph"));
  DeviceGraphPtr graph;
  capture({device, work, sharing}, graph);
  return graph;
}

}  // namespace eegtorch
