// Which kernels this processor can run, and when they may stand in for LibTorch's own operators.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>

#include "kernels/native/row_table.h"
#include "kernels/native/table.h"

namespace eegtorch::kernels {

// The widest set of instructions that the processor has, chosen once. EEGTORCH_CPU_CAPABILITY=baseline|avx2|avx512
// asks for less.
const KernelTable& table();

// Of three tables the one of that set. Callers keep it in a static.
template <class Table>
const Table& chooseTable(const Table& (*avx512)(), const Table& (*avx2)(), const Table& (*baseline)()) {
  switch (table().lanes) {
    case 16:
      return avx512();
    case 8:
      return avx2();
    default:
      return baseline();
  }
}

// Likewise, what several kernels call.
const RowTable& rowTable();

// Whether every defined tensor is a float32 CPU tensor with data, outside autocast: what the kernels are written for.
// False as well when EEGTORCH_PLAIN=1 is in the environment, so that both ways can be compared.
bool applies(std::initializer_list<at::Tensor> tensors);

// Whether MKL's products reach what this processor can do: on Intel's. On an AMD EPYC with AVX-512 it takes loops for
// AVX2, which reach two thirds. EEGTORCH_FAST_MKL=1 says yes for any and 0 no, so that both can be tested.
bool isMklFast();

// Whether autograd has to know of what is done with these tensors, of which some may be undefined.
bool isRecorded(std::initializer_list<at::Tensor> tensors);

}  // namespace eegtorch::kernels
