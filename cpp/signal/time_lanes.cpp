#include "signal/time_lanes.h"

#include <ATen/ops/zeros.h>

// MKL's, which libtorch_cpu.so carries and exports on x86; absent elsewhere. Returns the number before.
extern "C" int MKL_Set_Num_Threads_Local(int threads) __attribute__((weak));

namespace eegtorch {

SingleThreadBlas::SingleThreadBlas() {
  if (holds()) before_ = MKL_Set_Num_Threads_Local(1);
}

SingleThreadBlas::~SingleThreadBlas() {
  if (holds()) MKL_Set_Num_Threads_Local(before_);
}

bool SingleThreadBlas::holds() const { return MKL_Set_Num_Threads_Local != nullptr; }

std::vector<at::Tensor> TimeLanes::zeros(at::IntArrayRef shape, const at::TensorOptions& options) const {
  std::vector<at::Tensor> arrays;
  for (int64_t lane = 0; lane < lanes_; lane++) arrays.push_back(at::zeros(shape, options));
  return arrays;
}

at::Tensor addLanes(const std::vector<at::Tensor>& lanes) {
  auto total = lanes.at(0).clone();
  for (size_t lane = 1; lane < lanes.size(); lane++) total.add_(lanes[lane]);
  return total;
}

}  // namespace eegtorch
