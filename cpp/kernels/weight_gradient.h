// The gradients of matrices and a bias that were applied row by row: gradients at their outputs, transposed, times
// their inputs. Summed in the order of the rows whatever the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace eegtorch::kernels {

struct WeightGradients {
  std::vector<at::Tensor> weights;  // (m, n) for each input
  at::Tensor bias;                  // (m)
};

// outputs: (rows, m), whose rows may lie apart; inputs: (rows, n) each, contiguous; float32. The outputs are read once
// for all.
WeightGradients weightGradients(const at::Tensor& outputs, const std::vector<at::Tensor>& inputs);

}  // namespace eegtorch::kernels
