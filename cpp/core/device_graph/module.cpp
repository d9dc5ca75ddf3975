// A library of its own, opened when a graph is asked for: it needs LibTorch's CUDA libraries, which not every machine
// has.
#include "core/device_graph/module.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

namespace eegtorch {

namespace {

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(const GraphRequest& request) : device_(request.device) {
    const c10::cuda::CUDAGuard guard(device_);
    c10::cuda::device_synchronize();
    // The stream that everything else runs on cannot be captured.
    const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool(false, device_.index()));
    const auto sharing = std::static_pointer_cast<CudaGraph>(request.sharing);
    // Other threads go on using the GPU while this one captures.
    graph_.capture_begin(sharing ? sharing->graph_.pool() : at::cuda::MempoolId_t{0, 0},
                         cudaStreamCaptureModeThreadLocal);
    try {
      request.work();
    } catch (...) {
      abandon();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override {
    const c10::cuda::CUDAGuard guard(device_);
    graph_.replay();
  }

 private:
  void abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {  // what was captured so far is of no use
    }
  }

  c10::Device device_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

}  // namespace eegtorch

extern "C" __attribute__((visibility("default"))) void eegtorchCaptureGraph(const eegtorch::GraphRequest& request,
                                                                            eegtorch::DeviceGraphPtr& graph) {
  graph = std::make_shared<eegtorch::CudaGraph>(request);
}
