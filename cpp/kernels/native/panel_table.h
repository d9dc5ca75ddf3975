// Products with the panels of kernels/panel_matrix.h, compiled like the loops of table.h: once for each set of CPU
// instructions.
#pragma once

#include <cstddef>

namespace eegtorch::kernels {

// data: (depth, width), contiguous, of which `columns` are there. next: what is multiplied afterwards, or null.
struct Panel {
  const float* data;
  size_t columns, width;
  const float* next;
};

struct PanelTable {
  // c[m][n] = sum_i a[m][i] b[i][n] (+ c when accumulating). What comes next is fetched into the cache meanwhile:
  // where rows are few, products wait for their weights longer than they compute.
  void (*multiply)(size_t m, size_t depth, const float* a, size_t a_row, const Panel& b, float* c, size_t c_row,
                   bool accumulate);
};

const PanelTable& baselinePanels();
const PanelTable& avx2Panels();
const PanelTable& avx512Panels();

}  // namespace eegtorch::kernels
