#include "kernels/packed_product.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kLeastWork = 100'000;  // multiplications that are worth another thread

RowBlock partOf(const RowBlock& block, int64_t part, int64_t parts) {
  const int64_t first = block.count * part / parts;
  RowBlock own = block;
  own.count = block.count * (part + 1) / parts - first;
  own.x += first * block.x_row;
  own.y += first * block.y_row;
  if (block.added) own.added += first * block.added_row;
  return own;
}

}  // namespace

PackedProduct::PackedProduct(const at::Tensor& matrix, const at::Tensor& bias, int64_t rows)
    : matrix_(matrix, rows), bias_(bias.defined() ? bias.detach().contiguous() : bias) {}

void PackedProduct::finish(const RowBlock& block, int64_t first, int64_t last, Activation activation) const {
  if (!bias_.defined() && !block.added && !activation.gelu && activation.slope == 1) return;
  const float* bias = bias_.defined() ? bias_.const_data_ptr<float>() + first : nullptr;
  for (int64_t row = 0; row < block.count; row++) {
    const float* added = block.added ? block.added + row * block.added_row + first : nullptr;
    rowTable().finish(block.y + row * block.y_row + first, bias, added, last - first, activation);
  }
}

// Threads share the panels, and the rows of those that would be left over.
void PackedProduct::run(const std::vector<RowBlock>& blocks, bool accumulate, Activation activation) const {
  const int64_t panels = matrix_.panels(), threads = at::get_num_threads();
  int64_t rows = 0;
  for (const auto& block : blocks) rows += block.count;
  const int64_t parts = panels % threads == 0 ? 1 : threads;
  // Of panels [from, to) the part-th of `count` parts of the rows.
  const auto compute = [&](int64_t from, int64_t to, int64_t part, int64_t count) {
    for (int64_t panel = from; panel < to; panel++)
      for (const auto& block : blocks) {
        const RowBlock b = partOf(block, part, count);
        matrix_.multiplyPanel(panel, b.count, b.x, b.x_row, b.y, b.y_row, accumulate);
      }
    const int64_t last = std::min(columns(), to * matrix_.width());
    for (const auto& block : blocks) finish(partOf(block, part, count), from * matrix_.width(), last, activation);
  };
  const int64_t work = std::max<int64_t>(1, rows * matrix_.depth() * matrix_.width() / parts);
  at::parallel_for(0, panels * parts, (kLeastWork + work - 1) / work, [&](int64_t task, int64_t end) {
    while (task < end) {
      const int64_t panel = task / parts, part = task % parts, whole = part == 0 ? (end - task) / parts : 0;
      if (whole > 0)
        compute(panel, panel + whole, 0, 1);
      else
        compute(panel, panel + 1, part, parts);
      task += std::max<int64_t>(1, whole * parts);
    }
  });
}

}  // namespace eegtorch::kernels
