// The gradients of matrices and a bias that were applied row by row: gradients at their outputs, transposed, times
// their inputs, summed up by one thread while the rows that it has just made are still in its cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace eegtorch::kernels {

// Rows of numbers without gaps, in groups that lie apart.
struct GroupedRows {
  const float* first;
  int64_t apart;  // numbers from a group to the next
};

class WeightSums {
 public:
  // Of (m, width) for each input, and of (m).
  WeightSums(int64_t m, const std::vector<int64_t>& widths);

  // Rows in `groups` groups of `rows` each. outputs: (groups * rows, m), whose rows lie `apart`; inputs: as many rows
  // each. Some 128 rows at a time are best.
  void add(int64_t groups, int64_t rows, const float* outputs, int64_t apart, const std::vector<GroupedRows>& inputs);
  void add(const WeightSums& other);

  const at::Tensor& weight(size_t input) const { return weights_.at(input); }  // (m, width) float32
  at::Tensor bias() const { return bias_.to(at::kFloat); }                     // (m)

 private:
  void pack(int64_t depth, const float* outputs, int64_t apart);

  int64_t m_;
  std::vector<at::Tensor> weights_;
  at::Tensor bias_;  // float64
  bool any_ = false;
  std::vector<float> packed_, panel_;
};

}  // namespace eegtorch::kernels
