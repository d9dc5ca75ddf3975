#include "kernels/packed_product.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kLeastWork = 100'000;  // multiplications that are worth another thread

RowBlock partOf(const RowBlock& block, int64_t part, int64_t parts) {
  const int64_t first = block.count * part / parts, last = block.count * (part + 1) / parts;
  return {last - first, block.x + first * block.x_row, block.x_row, block.y + first * block.y_row, block.y_row};
}

}  // namespace

PackedProduct::PackedProduct(const at::Tensor& matrix, const at::Tensor& bias, int64_t rows)
    : matrix_(matrix, rows), bias_(bias.defined() ? bias.detach().contiguous() : bias) {}

void PackedProduct::finish(const RowBlock& block, int64_t first, int64_t last, float slope) const {
  if (!bias_.defined() && slope == 1.f) return;
  const float* bias = bias_.defined() ? bias_.const_data_ptr<float>() + first : nullptr;
  for (int64_t row = 0; row < block.count; row++) {
    float* y = block.y + row * block.y_row + first;
    table().norm_relu(y, bias, last - first, 1.f, 0.f, slope, y);
  }
}

// Threads share the columns, and the rows where columns are fewer than threads.
void PackedProduct::run(const std::vector<RowBlock>& blocks, bool accumulate, float slope) const {
  const int64_t panels = matrix_.panels(), parts = (at::get_num_threads() + panels - 1) / panels;
  int64_t rows = 0;
  for (const auto& block : blocks) rows += block.count;
  const int64_t work = std::max<int64_t>(1, rows * matrix_.depth() * matrix_.width() / parts);
  at::parallel_for(0, panels * parts, (kLeastWork + work - 1) / work, [&](int64_t task, int64_t end) {
    while (task < end) {
      const int64_t part = task / panels, from = task % panels, to = std::min(panels, from + end - task);
      for (int64_t panel = from; panel < to; panel++)
        for (const auto& block : blocks) {
          const RowBlock b = partOf(block, part, parts);
          matrix_.multiplyPanel(panel, b.count, b.x, b.x_row, b.y, b.y_row, accumulate);
        }
      const int64_t last = std::min(columns(), to * matrix_.width());
      for (const auto& block : blocks) finish(partOf(block, part, parts), from * matrix_.width(), last, slope);
      task += to - from;
    }
  });
}

}  // namespace eegtorch::kernels
