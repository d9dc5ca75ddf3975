#include "kernels/packed_product.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/dispatch.h"

namespace eegtorch::kernels {

namespace {

// Multiplications that are worth another thread: some 25 microseconds of one, while a thread that sleeps, or waits for
// a processor, comes later than that.
constexpr int64_t kLeastWork = 1'000'000;
constexpr int64_t kBlock = 1 << 17;  // numbers of x that the second cache holds beside what passes by
// Panels, at most, and rows whose result stays in the cache until it is finished, though its rows may lie far apart.
constexpr int64_t kPanels = 8, kRows = 48;

// Of x, that the rows of a block read: less than their number by their depth where they overlap.
int64_t numbersRead(const RowBlock& block, int64_t depth) { return block.count * std::min(block.x_row, depth); }

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

// All rows of some blocks by panels [from, to).
void PackedProduct::compute(const Blocks& blocks, int64_t from, int64_t to, bool accumulate,
                            Activation activation) const {
  for (int64_t panel = from; panel < to; panel++)
    for (const auto& block : blocks)
      matrix_.multiplyPanel(panel, block.count, block.x, block.x_row, block.y, block.y_row, accumulate);
  const int64_t first = from * matrix_.width(), last = std::min(columns(), to * matrix_.width());
  for (const auto& block : blocks) finish(block, first, last, activation);
}

void PackedProduct::run(const Blocks& blocks, bool accumulate, Activation activation) const {
  int64_t rows = 0, numbers = 0;
  for (const auto& block : blocks) rows += block.count, numbers += numbersRead(block, depth());
  const int64_t threads = at::get_num_threads();
  const int64_t groups = threads * ((numbers + threads * kBlock - 1) / (threads * kBlock));  // for each as many
  // Each group reads the whole matrix: too much for few long rows.
  if (groups > threads && rows > kRows)
    return shareRows(blocks, (numbers + groups - 1) / groups, accumulate, activation);
  sharePanels(blocks, rows, accumulate, activation);
}

// Threads share the rows, in groups of about `most` numbers, which stay in the cache while all panels pass by.
void PackedProduct::shareRows(const Blocks& blocks, int64_t most, bool accumulate, Activation activation) const {
  std::vector<Blocks> groups;
  int64_t room = 0;
  for (const auto& block : blocks) {
    const int64_t numbers = numbersRead(block, depth()), parts = (numbers + most - 1) / most;
    if (numbers > room) groups.emplace_back(), room = most;
    for (int64_t part = 0; part < parts; part++) {
      if (part > 0) groups.emplace_back();
      groups.back().push_back(partOf(block, part, parts));
    }
    room -= numbers / parts;
  }
  const int64_t panels = std::clamp<int64_t>(kBlock / (depth() * matrix_.width()), 1, kPanels);
  at::parallel_for(0, static_cast<int64_t>(groups.size()), 1, [&](int64_t from, int64_t to) {
    for (int64_t group = from; group < to; group++)
      for (int64_t panel = 0; panel < matrix_.panels(); panel += panels)
        for (const auto& block : groups[group])
          for (int64_t part = 0, parts = (block.count + kRows - 1) / kRows; part < parts; part++)
            compute({partOf(block, part, parts)}, panel, std::min(matrix_.panels(), panel + panels), accumulate,
                    activation);
  });
}

// Threads share the panels, and the rows of those that would be left over.
void PackedProduct::sharePanels(const Blocks& blocks, int64_t rows, bool accumulate, Activation activation) const {
  const int64_t panels = matrix_.panels(), threads = at::get_num_threads(), parts = panels % threads == 0 ? 1 : threads;
  const auto partsOf = [&](int64_t part) {
    Blocks own;
    for (const auto& block : blocks) own.push_back(partOf(block, part, parts));
    return own;
  };
  const int64_t work = std::max<int64_t>(1, rows * depth() * matrix_.width() / parts);
  at::parallel_for(0, panels * parts, (kLeastWork + work - 1) / work, [&](int64_t task, int64_t end) {
    while (task < end) {
      const int64_t panel = task / parts, part = task % parts, whole = part == 0 ? (end - task) / parts : 0;
      if (whole > 0)
        compute(blocks, panel, panel + whole, accumulate, activation);
      else
        compute(partsOf(part), panel, panel + 1, accumulate, activation);
      task += std::max<int64_t>(1, whole * parts);
    }
  });
}

}  // namespace eegtorch::kernels
