#include "kernels/panel_matrix.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/native/panel_table.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kFewRows = 6;  // which pass by a panel at once, or nearly
// Numbers of a panel that stay in the innermost cache while many rows pass by, and that the second one holds beside
// those that follow.
constexpr int64_t kBlock = 1 << 13, kWideBlock = 1 << 16;
// Numbers of a matrix that the second cache still holds when it is read again.
constexpr int64_t kHeld = 1 << 17;

const PanelTable& panelTable() {
  static const PanelTable& chosen = chooseTable(avx512Panels, avx2Panels, baselinePanels);
  return chosen;
}

}  // namespace

PanelMatrix::PanelMatrix(const at::Tensor& matrix, int64_t rows, Reading reading)
    : depth_(matrix.size(0)),
      columns_(matrix.size(1)),
      width_(static_cast<int64_t>(table().lanes) * vectorsFor(rows)),
      fetches_(reading == Reading::once || matrix.numel() > kHeld) {
  const int64_t count = (columns_ + width_ - 1) / width_;
  panels_ = at::zeros({count, depth_, width_}, matrix.options());
  const int64_t whole = columns_ / width_, rest = columns_ % width_;
  const auto columns = matrix.narrow(1, 0, whole * width_).unflatten(1, {whole, width_}).transpose(0, 1);
  panels_.narrow(0, 0, whole).copy_(columns);
  if (rest > 0) panels_.select(0, whole).narrow(1, 0, rest).copy_(matrix.narrow(1, whole * width_, rest));
}

void PanelMatrix::multiplyPanel(int64_t panel, int64_t m, const float* a, int64_t a_row, float* c, int64_t c_row,
                                bool accumulate) const {
  const int64_t column = panel * width_, block = std::max<int64_t>(1, (m <= kFewRows ? kWideBlock : kBlock) / width_);
  const float* numbers = panels_.const_data_ptr<float>() + panel * depth_ * width_;
  const auto present = static_cast<size_t>(std::min(width_, columns_ - column)), width = static_cast<size_t>(width_);
  for (int64_t k = 0; k < depth_; k += block) {
    // One block follows another in memory, and the next panel the last of them.
    const bool follows = fetches_ && (k + block < depth_ || panel + 1 < panels());
    const float* from = numbers + k * width_;
    const int64_t depth = std::min(block, depth_ - k);
    const Panel own{from, present, width, follows ? from + depth * width_ : nullptr};
    panelTable().multiply(m, depth, a + k, a_row, own, c + column, c_row, accumulate || k > 0);
  }
}

void PanelMatrix::multiply(int64_t m, const float* a, int64_t a_row, float* c, int64_t c_row, bool accumulate) const {
  for (int64_t panel = 0; panel < panels(); panel++) multiplyPanel(panel, m, a, a_row, c, c_row, accumulate);
}

}  // namespace eegtorch::kernels
