// The innermost loops of matrices in four bits (NF4), compiled like those of table.h: once for each set of CPU
// instructions. A row is codes, two to a byte with the first in the high half, and a scale for each group of weights.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eegtorch::kernels {

constexpr size_t kNf4Group = 64;    // weights that share a scale here; blocks may hold several groups
constexpr size_t kNf4Bounds = 15;   // between 16 values
constexpr size_t kNf4MostRows = 8;  // vectors that one pass over the codes serves

struct Nf4Row {
  const uint8_t* codes;
  const float* scales;  // of each group
  size_t groups;
  const float* map;  // (16)
};

// Rows of a matrix that lie side by side in a panel, from some column on.
struct Nf4Panel {
  const uint8_t* codes;  // of the first row
  size_t code_row;       // bytes from one row to the next
  size_t rows, depth;    // rows <= panel_rows; depth: columns, a multiple of kNf4Group
  const float* scales;   // (depth / kNf4Group, panel_rows)
  const float* map;      // (16)
};

struct Nf4Table {
  size_t panel_rows;
  // The order in which `dots` reads a vector; n is a multiple of kNf4Group.
  void (*arrange)(const float* x, size_t n, float* arranged);
  // y[r * y_row] = the row times x[r], r < count <= kNf4MostRows; x: arranged vectors, one after the other.
  void (*dots)(const Nf4Row& row, const float* x, size_t count, float* y, size_t y_row);
  // The row's weights.
  void (*unpack)(const Nf4Row& row, float* weights);
  // The weights of some rows transposed, (depth, panel_rows), as PanelTable multiplies; what stands for rows that are
  // not there is any number.
  void (*unpackPanel)(const Nf4Panel& panel, float* weights);
  // The codes of a block of n weights (n even) and its scale, which is returned: that largest in size. A weight over
  // the scale becomes the code c with bounds[c - 1] < weight <= bounds[c]; bounds: (15), ascending.
  float (*quantise)(const float* weights, size_t n, const float* bounds, uint8_t* codes);
};

const Nf4Table& baselineNf4();
const Nf4Table& avx2Nf4();
const Nf4Table& avx512Nf4();

}  // namespace eegtorch::kernels
