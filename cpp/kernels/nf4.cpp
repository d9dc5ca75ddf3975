#include "kernels/nf4.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/native/nf4_table.h"
#include "kernels/native/panel_table.h"
#include "kernels/parallel.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kGroup = kNf4Group, kMostRows = kNf4MostRows;
constexpr int64_t kGrain = 32;              // rows of the matrix that a thread takes at least
constexpr int64_t kBlockGrain = 1024;       // blocks likewise
constexpr int64_t kPanelWeights = 1 << 13;  // of a panel that the innermost cache holds
constexpr int64_t kPadding = 16;            // between rows of x: those of 2^n numbers would share a set of the cache

const Nf4Table& nf4Table() {
  static const Nf4Table& chosen = chooseTable(avx512Nf4, avx2Nf4, baselineNf4);
  return chosen;
}

// Rows of a matrix, one after the other.
class Rows {
 public:
  explicit Rows(const Nf4Matrix& matrix)
      : codes_(matrix.codes.const_data_ptr<uint8_t>()),
        map_(matrix.map.const_data_ptr<float>()),
        groups_(matrix.in / kGroup),
        groups_per_block_(matrix.block / kGroup),
        scales_(groups_) {
    if (!matrix.nested()) {
      plain_ = matrix.absmax.const_data_ptr<float>();
      return;
    }
    nested_ = matrix.absmax.const_data_ptr<uint8_t>();
    nested_absmax_ = matrix.nested_absmax.const_data_ptr<float>();
    nested_map_ = matrix.nested_map.const_data_ptr<float>();
    offset_ = *matrix.offset.const_data_ptr<float>();
  }

  // Valid until the next call.
  Nf4Row at(int64_t row) {
    const int64_t blocks = groups_ / groups_per_block_, first = row * blocks;
    for (int64_t b = 0; b < blocks; b++)
      std::fill_n(scales_.data() + b * groups_per_block_, groups_per_block_, scale(first + b));
    return {codes_ + row * groups_ * kGroup / 2, scales_.data(), static_cast<size_t>(groups_), map_};
  }

  // The scales of `rows` rows as a panel of `width` rows has them: (groups, width).
  void scalesOf(int64_t row, int64_t rows, int64_t width, float* scales) const {
    const int64_t blocks = groups_ / groups_per_block_;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t b = 0; b < blocks; b++) {
        const float own = scale((row + r) * blocks + b);
        for (int64_t g = b * groups_per_block_; g < (b + 1) * groups_per_block_; g++) scales[g * width + r] = own;
      }
  }

 private:
  float scale(int64_t block) const {
    if (plain_) return plain_[block];
    return nested_map_[nested_[block]] * nested_absmax_[block / kNf4NestedBlock] + offset_;
  }

  const uint8_t* codes_;
  const float* map_;
  int64_t groups_, groups_per_block_;
  std::vector<float> scales_;
  const float* plain_ = nullptr;
  const uint8_t* nested_ = nullptr;
  const float *nested_absmax_ = nullptr, *nested_map_ = nullptr;
  float offset_ = 0;
};

}  // namespace

bool nf4Applies(const Nf4Matrix& matrix) {
  return matrix.block % kGroup == 0 && matrix.in % matrix.block == 0 && applies({matrix.map, matrix.offset});
}

at::Tensor nf4Dots(const at::Tensor& x, const Nf4Matrix& matrix) {
  const int64_t rows = x.size(0);
  const auto from = x.contiguous();
  auto arranged = at::empty_like(from), y = at::empty({rows, matrix.out}, x.options());
  float* order = arranged.mutable_data_ptr<float>();
  nf4Table().arrange(from.const_data_ptr<float>(), from.numel(), order);
  float* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, matrix.out, kGrain, [&](int64_t first, int64_t last) {
    Rows matrix_rows(matrix);
    for (int64_t o = first; o < last; o++) {
      const Nf4Row row = matrix_rows.at(o);
      for (int64_t r = 0; r < rows; r += kMostRows)
        nf4Table().dots(row, order + r * matrix.in, std::min(kMostRows, rows - r), to + r * matrix.out + o, matrix.out);
    }
  });
  return y;
}

at::Tensor nf4Product(const at::Tensor& x, const Nf4Matrix& matrix) {
  static const PanelTable& panels = chooseTable(avx512Panels, avx2Panels, baselinePanels);
  const int64_t count = x.size(0), width = static_cast<int64_t>(nf4Table().panel_rows), in = matrix.in;
  const auto a = at::empty({count, in + kPadding}, x.options());
  a.narrow(1, 0, in).copy_(x);
  auto y = at::empty({count, matrix.out}, x.options());
  const float* from = a.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  const auto* codes = matrix.codes.const_data_ptr<uint8_t>();
  const float* map = matrix.map.const_data_ptr<float>();
  const int64_t most = std::max(kGroup, kPanelWeights / width / kGroup * kGroup);
  at::parallel_for(0, (matrix.out + width - 1) / width, 1, [&](int64_t panel, int64_t end) {
    const Rows matrix_rows(matrix);
    // Sums are of the thread's own: rows of y may share a set of the cache too.
    std::vector<float> scales(in / kGroup * width), weights(most * width), sums(count * width);
    for (; panel < end; panel++) {
      const int64_t first = panel * width, rows = std::min(width, matrix.out - first);
      matrix_rows.scalesOf(first, rows, width, scales.data());
      for (int64_t k = 0; k < in; k += most) {
        const auto depth = static_cast<size_t>(std::min(most, in - k)), present = static_cast<size_t>(rows);
        const auto* start = codes + (first * in + k) / 2;
        nf4Table().unpackPanel({start, static_cast<size_t>(in / 2), present, depth, &scales[k / kGroup * width], map},
                               weights.data());
        const Panel packed{weights.data(), present, static_cast<size_t>(width), nullptr};
        panels.multiply(count, depth, from + k, in + kPadding, packed, sums.data(), width, k > 0);
      }
      for (int64_t r = 0; r < count; r++) std::copy_n(&sums[r * width], rows, to + r * matrix.out + first);
    }
  });
  return y;
}

at::Tensor nf4Unpack(const Nf4Matrix& matrix, int64_t first, int64_t rows) {
  auto weights = at::empty({rows, matrix.in}, matrix.map.options());
  float* to = weights.mutable_data_ptr<float>();
  at::parallel_for(0, rows, kGrain, [&](int64_t from, int64_t until) {
    Rows matrix_rows(matrix);
    for (int64_t r = from; r < until; r++) nf4Table().unpack(matrix_rows.at(first + r), to + r * matrix.in);
  });
  return weights;
}

at::Tensor nf4Quantise(const at::Tensor& weights, const Nf4Matrix& matrix) {
  const int64_t count = weights.numel(), block = matrix.block;
  auto scales = at::empty({matrix.blocks()}, matrix.map.options());
  const auto flat = weights.contiguous();
  const float *from = flat.const_data_ptr<float>(), *map = matrix.map.const_data_ptr<float>();
  uint8_t* codes = matrix.codes.mutable_data_ptr<uint8_t>();
  float* to = scales.mutable_data_ptr<float>();
  float bounds[kNf4Bounds];
  for (size_t i = 0; i < kNf4Bounds; i++) bounds[i] = (map[i] + map[i + 1]) / 2;
  at::parallel_for(0, matrix.blocks(), kBlockGrain, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; b++) {
      const int64_t start = b * block, n = std::min(block, count - start);
      to[b] = nf4Table().quantise(from + start, n, bounds, codes + start / 2);
    }
  });
  return scales;
}

}  // namespace eegtorch::kernels
