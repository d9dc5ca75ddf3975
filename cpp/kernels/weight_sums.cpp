#include "kernels/weight_sums.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t slab = 24;  // outputs side by side, a multiple of any tile's height

}  // namespace

WeightSums::WeightSums(int64_t m, const std::vector<int64_t>& widths) : m_(m), bias_(at::zeros({m}, at::kDouble)) {
  for (const int64_t width : widths) weights_.push_back(at::zeros({m, width}, at::kFloat));
}

// Slab after slab of the outputs, each (depth, slab), and their sums.
void WeightSums::pack(int64_t depth, const float* outputs, int64_t apart) {
  packed_.resize(depth * m_);
  double* bias = bias_.data_ptr<double>();
  for (int64_t first = 0; first < m_; first += slab) {
    const int64_t count = std::min(slab, m_ - first);
    float* to = packed_.data() + first * depth;
    std::array<float, slab> sums{};
    for (int64_t k = 0; k < depth; k++, to += count) {
      std::copy_n(outputs + k * apart + first, count, to);
      for (int64_t i = 0; i < count; i++) sums[i] += to[i];
    }
    for (int64_t i = 0; i < count; i++) bias[first + i] += sums[i];
  }
}

void WeightSums::add(int64_t groups, int64_t rows, const float* outputs, int64_t apart,
                     const std::vector<GroupedRows>& inputs) {
  const int64_t depth = groups * rows, wide = 2 * static_cast<int64_t>(table().lanes);
  pack(depth, outputs, apart);
  panel_.resize(depth * wide);
  for (size_t i = 0; i < inputs.size(); i++) {
    const int64_t n = weights_[i].size(1);
    float* sums = weights_[i].data_ptr<float>();
    for (int64_t column = 0; column < n; column += wide) {
      const int64_t width = std::min(wide, n - column);
      for (int64_t k = 0; k < depth; k++)
        std::copy_n(inputs[i].first + k / rows * inputs[i].apart + k % rows * n + column, width,
                    panel_.data() + k * wide);
      for (int64_t first = 0; first < m_; first += slab) {
        const int64_t count = std::min(slab, m_ - first);
        const Depth along{1, static_cast<size_t>(depth), 0, static_cast<size_t>(wide), static_cast<size_t>(count)};
        table().rows(count, width, along, packed_.data() + first * depth, 1, panel_.data(), sums + first * n + column,
                     n, nullptr, any_);
      }
    }
  }
  any_ = true;
}

void WeightSums::add(const WeightSums& other) {
  for (size_t i = 0; i < weights_.size(); i++) weights_[i].add_(other.weights_[i]);
  bias_.add_(other.bias_);
}

}  // namespace eegtorch::kernels
