#include "kernels/weight_gradient.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t deep = 128;  // rows at a time: what they need stays in the cache
constexpr int64_t line = 16;   // floats in a cache line
constexpr int64_t grain = 24;  // rows of the result, a multiple of any tile's height

// to (columns, rows) = from (rows, columns), transposed; a cache line of columns after the other.
void transpose(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to, int64_t to_row) {
  for (int64_t first = 0; first < columns; first += line) {
    const int64_t last = std::min(columns, first + line);
    for (int64_t row = 0; row < rows; row++)
      for (int64_t column = first; column < last; column++) to[column * to_row + row] = from[row * from_row + column];
  }
}

// c (m, n) += left (m, depth; rows `deep` apart) * right (depth, n)
void addProduct(int64_t m, int64_t n, int64_t depth, const float* left, const float* right, float* c, bool accumulate) {
  const int64_t wide = 2 * static_cast<int64_t>(table().lanes);
  std::vector<float> panel(deep * wide);
  for (int64_t column = 0; column < n; column += wide) {
    const int64_t width = std::min(wide, n - column);
    for (int64_t k = 0; k < depth; k++) std::copy_n(right + k * n + column, width, panel.data() + k * wide);
    table().rows(m, width, {1, static_cast<size_t>(depth), 0, static_cast<size_t>(wide)}, left, deep, panel.data(),
                 c + column, n, nullptr, accumulate);
  }
}

}  // namespace

WeightGradients weightGradients(const at::Tensor& outputs, const std::vector<at::Tensor>& inputs) {
  const int64_t rows = outputs.size(0), m = outputs.size(1), apart = outputs.stride(0);
  WeightGradients result{{}, at::empty({m}, outputs.options())};
  for (const auto& input : inputs) result.weights.push_back(at::empty({m, input.size(1)}, outputs.options()));
  at::parallel_for(0, m, grain, [&](int64_t first, int64_t last) {
    std::vector<float> transposed((last - first) * deep);
    std::vector<double> sums(last - first);
    for (int64_t row = 0; row < rows; row += deep) {
      const int64_t depth = std::min(deep, rows - row);
      transpose(outputs.const_data_ptr<float>() + row * apart + first, apart, depth, last - first, transposed.data(),
                deep);
      for (int64_t i = 0; i < last - first; i++) sums[i] += table().sum(transposed.data() + i * deep, depth);
      for (size_t i = 0; i < inputs.size(); i++) {
        const int64_t n = inputs[i].size(1);
        addProduct(last - first, n, depth, transposed.data(), inputs[i].const_data_ptr<float>() + row * n,
                   result.weights[i].data_ptr<float>() + first * n, row > 0);
      }
    }
    std::copy(sums.begin(), sums.end(), result.bias.data_ptr<float>() + first);
  });
  return result;
}

}  // namespace eegtorch::kernels
