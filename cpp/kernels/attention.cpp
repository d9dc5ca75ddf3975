#include "kernels/attention.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/native/softmax_table.h"

namespace eegtorch::kernels {

namespace {

constexpr int64_t kMostTokens = 128;
constexpr int64_t kLeastWork = 100'000;  // multiplications that are worth another thread

struct Sizes {
  int64_t tokens, inner, width, depth;  // depth: of one head
};

const SoftmaxTable& softmaxTable() {
  static const SoftmaxTable& chosen = chooseTable(avx512Softmax, avx2Softmax, baselineSoftmax);
  return chosen;
}

// One head of one sequence, of which q, k and v stand in rows of 3 * width, `inner` rows apart.
class Head {
 public:
  Head(const Sizes& sizes, const float* mask)
      : s_(sizes), mask_(mask), keys_(sizes.depth * sizes.tokens), scores_(sizes.tokens * sizes.tokens) {}

  void run(const float* q, float* out) {
    const int64_t row = 3 * s_.width * s_.inner, t = s_.tokens;
    const float *k = q + s_.width, *v = k + s_.width;
    for (int64_t token = 0; token < t; token++)
      for (int64_t i = 0; i < s_.depth; i++) keys_[i * t + token] = k[token * row + i];
    table().rows(t, t, across(s_.depth, t), q, row, keys_.data(), scores_.data(), t, nullptr, false);
    const float scale = 1 / std::sqrt(static_cast<float>(s_.depth));
    softmaxTable().run(scores_.data(), mask_, t, t, scale);
    table().rows(t, s_.depth, across(t, row), scores_.data(), t, v, out, s_.width * s_.inner, nullptr, false);
  }

 private:
  static Depth across(int64_t inner, int64_t stride) {
    return {1, static_cast<size_t>(inner), 0, static_cast<size_t>(stride)};
  }

  Sizes s_;
  const float* mask_;
  std::vector<float> keys_, scores_;  // (depth, tokens), (tokens, tokens)
};

}  // namespace

bool attendsShortly(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& mask) {
  return x.numel() > 0 && x.size(1) <= kMostTokens && (!mask.defined() || mask.dim() == 2) &&
         applies({x, weight, mask}) && !isRecorded({x, weight, mask});
}

at::Tensor shortAttention(const at::Tensor& projected, int64_t heads, const at::Tensor& mask) {
  const auto in = projected.contiguous();
  const auto added = mask.defined() ? mask.contiguous() : mask;
  const int64_t tokens = in.size(1), inner = in.size(2), width = in.size(3) / 3, depth = width / heads;
  const auto out = at::empty({in.size(0), tokens, inner, width}, in.options());
  const float* from = in.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  const int64_t work = 2 * tokens * tokens * depth;
  at::parallel_for(0, in.size(0) * inner * heads, (kLeastWork + work - 1) / work, [&](int64_t first, int64_t last) {
    Head head({tokens, inner, width, depth}, added.defined() ? added.const_data_ptr<float>() : nullptr);
    for (int64_t i = first; i < last; i++) {
      const int64_t sequence = i / heads, column = i % heads * depth;
      const int64_t at = sequence / inner * tokens * inner + sequence % inner;  // row of its first token
      head.run(from + at * 3 * width + column, to + at * width + column);
    }
  });
  return out;
}

}  // namespace eegtorch::kernels
