#include "llama/nf4.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kExponents = 7;
constexpr double kScaleSteps = 65535;
constexpr int64_t kChunk = 1 << 20;           // weights that are unpacked at a time: they stay in the cache
constexpr int64_t kRowsWithoutUnpacking = 8;  // above, one unpacking serves enough rows for a matrix product

// Nearest entries of an ascending map.
at::Tensor nearestEntry(const at::Tensor& values, const at::Tensor& map) {
  const auto left = (at::bucketize(values, map, false, true) - 1).clamp(0, map.size(0) - 2);
  const auto to_left = (values - map.index_select(0, left.flatten()).view_as(values)).abs();
  const auto to_right = (values - map.index_select(0, (left + 1).flatten()).view_as(values)).abs();
  return (left + to_right.lt(to_left)).to(at::kByte);
}

// {values in [-1, 1], largest size of each block}
std::pair<at::Tensor, at::Tensor> normalised(const at::Tensor& blocks) {
  const auto absmax = std::get<0>(blocks.abs().max(1));
  return {(blocks * absmax.clamp_min(1e-38).reciprocal().unsqueeze(1)).clamp(-1, 1), absmax};
}

void quantiseScales(Nf4Matrix& matrix, const at::Tensor& scales) {
  matrix.offset.copy_(scales.mean());
  const auto centred = scales - matrix.offset;
  const int64_t count = scales.size(0), blocks = matrix.nested_absmax.size(0);
  const auto padded =
      at::constant_pad_nd(centred, {0, blocks * kNf4NestedBlock - count}).view({blocks, kNf4NestedBlock});
  const auto [values, absmax] = normalised(padded);
  matrix.nested_absmax.copy_(absmax);
  // bitsandbytes looks the nearest entry up in a table of so many steps on a CPU.
  const auto steps = ((values.flatten().narrow(0, 0, count) + 1) * (0.5 * kScaleSteps)).round();
  const auto codes = nearestEntry(steps * (2.0 / kScaleSteps) - 1, matrix.nested_map);
  // Where all scales of a block are their mean, it gives the first code, which stands for as much as any other.
  const auto spread = absmax.repeat_interleave(kNf4NestedBlock).narrow(0, 0, count).gt(0);
  matrix.absmax.copy_(codes * spread);
}

// The blocks of some rows, or of all where blocks do not end with rows: (blocks, block), float32.
at::Tensor unpackBlocks(const Nf4Matrix& matrix, int64_t first, int64_t rows) {
  const auto bytes = matrix.codes.narrow(0, first * matrix.in / 2, rows * matrix.in / 2);
  const auto pairs = at::cat({bytes.bitwise_right_shift(4), bytes.bitwise_and(15)}, 1).flatten().to(at::kInt);
  const int64_t from = first * matrix.in / matrix.block, count = (pairs.size(0) + matrix.block - 1) / matrix.block;
  const auto values = at::constant_pad_nd(matrix.map.index_select(0, pairs), {0, count * matrix.block - pairs.size(0)});
  return values.view({count, matrix.block}) * nf4Scales(matrix).narrow(0, from, count).unsqueeze(1);
}

// The transposed product by unpacking a few rows of the matrix at a time.
at::Tensor unpackedLinear(const at::Tensor& x, const Nf4Matrix& matrix) {
  const int64_t rows = std::max<int64_t>(1, kChunk / matrix.in);
  auto y = at::empty({x.size(0), matrix.out}, x.options());
  for (int64_t first = 0; first < matrix.out; first += rows) {
    const int64_t count = std::min(rows, matrix.out - first);
    y.narrow(1, first, count).copy_(kernels::linear(x, dequantiseNf4(matrix, first, count, x.scalar_type())));
  }
  return y;
}

at::Tensor unpackedBackward(const at::Tensor& grad, const Nf4Matrix& matrix) {
  const int64_t rows = std::max<int64_t>(1, kChunk / matrix.in);
  auto result = at::zeros({grad.size(0), matrix.in}, grad.options());
  for (int64_t first = 0; first < matrix.out; first += rows) {
    const int64_t count = std::min(rows, matrix.out - first);
    result.addmm_(grad.narrow(1, first, count), dequantiseNf4(matrix, first, count, grad.scalar_type()));
  }
  return result;
}

at::Tensor product(const at::Tensor& x, const Nf4Matrix& matrix) {
  const at::NoGradGuard no_grad;
  const bool fast = x.is_cpu() && kernels::nf4Applies(matrix);
  if (fast && x.size(0) <= kRowsWithoutUnpacking) return kernels::nf4Dots(x.to(at::kFloat), matrix).to(x.scalar_type());
  return fast && x.scalar_type() == at::kFloat ? kernels::nf4Product(x, matrix) : unpackedLinear(x, matrix);
}

// Writes the codes and returns the scales (blocks), float32.
at::Tensor quantiseBlocks(const at::Tensor& weight, const Nf4Matrix& matrix) {
  const int64_t count = weight.numel(), blocks = matrix.blocks();
  const auto flat = at::constant_pad_nd(weight.flatten(), {0, blocks * matrix.block - count});
  const auto [values, absmax] = normalised(flat.view({blocks, matrix.block}));
  const auto bounds = (matrix.map.narrow(0, 0, 15) + matrix.map.narrow(0, 1, 15)) / 2;
  const auto codes = at::bucketize(values.flatten().narrow(0, 0, count), bounds).to(at::kByte).view({-1, 2});
  matrix.codes.copy_(((codes.select(1, 0) * 16).bitwise_or(codes.select(1, 1))).unsqueeze(1));
  return absmax;
}

struct Holder final : torch::CustomClassHolder {
  explicit Holder(Nf4Matrix matrix) : matrix(std::move(matrix)) {}
  Nf4Matrix matrix;
};

struct Nf4Product : torch::autograd::Function<Nf4Product> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const c10::intrusive_ptr<Holder>& holder) {
    ctx->saved_data["matrix"] = c10::IValue::make_capsule(holder);
    return product(x, holder->matrix);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto holder = c10::static_intrusive_pointer_cast<Holder>(ctx->saved_data["matrix"].toCapsule());
    return {unpackedBackward(grads[0].contiguous(), holder->matrix), {}};
  }
};

}  // namespace

at::Tensor nf4Map() {
  return at::tensor({-1.0f, -0.69619280099868774f, -0.52507305145263672f, -0.39491748809814453f, -0.28444138169288635f,
                     -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
                     0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.56261700391769409f,
                     0.72295683622360229f, 1.0f},
                    at::kFloat);
}

at::Tensor dynamicMap() {
  std::vector<at::Tensor> parts = {at::tensor({0.0f, 1.0f}, at::kFloat)};
  for (int64_t exponent = 0; exponent < kExponents; exponent++) {
    const auto edges = at::linspace(0.1, 1, (int64_t(1) << exponent) + 1, at::kFloat);
    const int64_t steps = edges.size(0) - 1;
    const auto middles = (edges.narrow(0, 0, steps) + edges.narrow(0, 1, steps)) / 2;
    const auto scaled = middles * std::pow(10.0, static_cast<double>(exponent - kExponents + 1));
    parts.push_back(scaled);
    parts.push_back(-scaled);
  }
  return std::get<0>(at::cat(parts).sort());
}

Nf4Matrix emptyNf4(int64_t out, int64_t in, int64_t block, bool nested) {
  Nf4Matrix matrix;
  matrix.out = out, matrix.in = in, matrix.block = block;
  const int64_t blocks = matrix.blocks();
  matrix.codes = at::zeros({out * in / 2, 1}, at::kByte);
  matrix.absmax = at::zeros({blocks}, nested ? at::kByte : at::kFloat);
  matrix.map = nf4Map();
  if (!nested) return matrix;
  matrix.nested_absmax = at::zeros({(blocks + kNf4NestedBlock - 1) / kNf4NestedBlock}, at::kFloat);
  matrix.nested_map = dynamicMap();
  matrix.offset = at::zeros({}, at::kFloat);
  return matrix;
}

Nf4Matrix quantiseNf4(const at::Tensor& weight, int64_t block, bool nested) {
  const at::NoGradGuard no_grad;
  auto matrix = emptyNf4(weight.size(0), weight.size(1), block, nested);
  const auto dense = weight.to(at::kCPU, at::kFloat);
  const bool fast = block % 2 == 0 && kernels::applies({dense});
  const auto absmax = fast ? kernels::nf4Quantise(dense, matrix) : quantiseBlocks(dense, matrix);
  if (nested)
    quantiseScales(matrix, absmax);
  else
    matrix.absmax.copy_(absmax);
  return matrix;
}

at::Tensor nf4Scales(const Nf4Matrix& matrix) {
  if (!matrix.nested()) return matrix.absmax;
  const auto wide = matrix.nested_absmax.repeat_interleave(kNf4NestedBlock).narrow(0, 0, matrix.blocks());
  return matrix.nested_map.index_select(0, matrix.absmax.to(at::kInt)) * wide + matrix.offset;
}

at::Tensor dequantiseNf4(const Nf4Matrix& matrix, int64_t first, int64_t rows, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  if (kernels::nf4Applies(matrix)) return kernels::nf4Unpack(matrix, first, rows).to(dtype);
  if (matrix.in % matrix.block == 0) return unpackBlocks(matrix, first, rows).to(dtype).view({rows, matrix.in});
  const auto all = unpackBlocks(matrix, 0, matrix.out).flatten().narrow(0, 0, matrix.out * matrix.in);
  return all.view({matrix.out, matrix.in}).narrow(0, first, rows).to(dtype);
}

at::Tensor nf4Linear(const at::Tensor& x, const Nf4Matrix& matrix) {
  const auto rows = x.reshape({-1, matrix.in});
  const auto y = kernels::isRecorded({rows}) ? Nf4Product::apply(rows, c10::make_intrusive<Holder>(matrix))
                                             : product(rows, matrix);
  auto shape = x.sizes().vec();
  shape.back() = matrix.out;
  return y.view(shape);
}

}  // namespace eegtorch
