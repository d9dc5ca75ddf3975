#include "signal/small_matrices.h"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include "kernels/dispatch.h"
#include "kernels/native/matrix_table.h"

namespace eegtorch {

namespace {

const kernels::MatrixTable& matrixTable() {
  static const kernels::MatrixTable& chosen =
      kernels::chooseTable(kernels::avx512Matrices, kernels::avx2Matrices, kernels::baselineMatrices);
  return chosen;
}

bool takesOwn(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kDouble && x.stride(-1) == 1; }

size_t size(int64_t n) { return static_cast<size_t>(n); }

kernels::RowsOf<const double> rowsOf(const at::Tensor& x) { return {x.const_data_ptr<double>(), size(x.stride(0))}; }

kernels::RowsOf<double> writable(const at::Tensor& x) { return {x.mutable_data_ptr<double>(), size(x.stride(0))}; }

}  // namespace

ProductRooms::ProductRooms() : memory_(size(at::get_num_threads())) {}

double* ProductRooms::numbers(size_t count) {
  auto& own = memory_.at(size(at::get_thread_num()));
  if (!own.defined() || size(own.numel()) < count) own = at::empty({static_cast<int64_t>(count)}, at::kDouble);
  return own.mutable_data_ptr<double>();
}

void mixChannels(const at::Tensor& weights, const at::Tensor& x, const at::Tensor& out, bool streamed,
                 ProductRooms& rooms) {
  if (!takesOwn(x)) {
    auto result = out;
    at::mm_out(result, weights.t(), x);
    return;
  }
  const auto channels = size(x.size(0));
  matrixTable().mix(size(out.size(0)), size(x.size(1)), channels, rowsOf(weights), rowsOf(x), writable(out), streamed,
                    rooms.numbers(channels * kernels::kPanel));
}

void addPower(const at::Tensor& x, const at::Tensor& sums, ProductRooms& rooms) {
  if (!takesOwn(x)) {
    sums.addmm_(x, x.t());
    return;
  }
  const auto channels = size(x.size(0));
  matrixTable().addPower(channels, size(x.size(1)), rowsOf(x), writable(sums),
                         rooms.numbers(kernels::roomForPower(channels)));
}

}  // namespace eegtorch
