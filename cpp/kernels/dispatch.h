// Which kernels this processor can run, and when they may stand in for LibTorch's own operators.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

#include "kernels/native/table.h"

namespace eegtorch::kernels {

// The widest set of instructions that the processor has, chosen once. EEGTORCH_CPU_CAPABILITY=baseline|avx2|avx512
// asks for less.
const KernelTable& table();

// Whether every defined tensor is a float32 CPU tensor with data, outside autocast: what the kernels are written for.
// False as well when EEGTORCH_PLAIN=1 is in the environment or `usePlainPath(true)` was called, so that a test can
// compare both ways.
bool applies(std::initializer_list<at::Tensor> tensors);

// For this process. Returns the former setting.
bool usePlainPath(bool plain);

}  // namespace eegtorch::kernels
