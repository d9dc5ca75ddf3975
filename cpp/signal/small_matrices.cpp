#include "signal/small_matrices.h"

#include <algorithm>

#include "core/error.h"
#include "kernels/dispatch.h"

namespace eegtorch {

namespace {

size_t size(int64_t n) { return static_cast<size_t>(n); }

kernels::RowsOf<const double> rowsOf(const at::Tensor& x) { return {x.const_data_ptr<double>(), size(x.stride(0))}; }

kernels::RowsOf<double> writable(const at::Tensor& x) { return {x.mutable_data_ptr<double>(), size(x.stride(0))}; }

}  // namespace

const kernels::MatrixTable& matrixTable() {
  static const kernels::MatrixTable& chosen =
      kernels::chooseTable(kernels::avx512Matrices, kernels::avx2Matrices, kernels::baselineMatrices);
  return chosen;
}

SymmetricMatrices::SymmetricMatrices(int64_t n)
    : n_(size(n)), matrix_(n_ * n_), vectors_(n_ * n_), values_(n_), work_(3 * n_), scratch_(n_ * n_) {}

void SymmetricMatrices::decompose(const double* matrix, double* vectors) {
  std::copy_n(matrix, n_ * n_, matrix_.data());
  if (!matrixTable().eigen(matrix_.data(), n_, values_.data(), vectors, work_.data()))
    throw Error("DIVERGED", "the eigenvalues of a matrix were not found", "a search that ends", "one that does not");
}

const Numbers& SymmetricMatrices::eigenvalues(const double* matrix) {
  decompose(matrix, nullptr);
  return values_;
}

void SymmetricMatrices::compose(double* out) {
  for (size_t k = 0; k < n_; k++)
    for (size_t i = 0; i < n_; i++) matrix_[k * n_ + i] = values_[k] * vectors_[k * n_ + i];
  matrixTable().product(n_, n_, n_, {vectors_.data(), 1, n_}, {matrix_.data(), n_}, {out, n_});
}

void SymmetricMatrices::sandwich(const double* outer, const double* inner, double* out) {
  matrixTable().product(n_, n_, n_, {outer, n_, 1}, {inner, n_}, {matrix_.data(), n_});
  if (out == outer) {
    std::copy_n(outer, n_ * n_, vectors_.data());
    outer = vectors_.data();
  }
  matrixTable().product(n_, n_, n_, {matrix_.data(), n_, 1}, {outer, n_}, {out, n_});
}

void mixChannels(const at::Tensor& weights, const at::Tensor& x, const at::Tensor& out, Numbers& packed) {
  packed.resize(std::max(packed.size(), size(x.size(0)) * kernels::kPanel));
  matrixTable().mix(size(out.size(0)), size(x.size(1)), size(x.size(0)),
                    {weights.const_data_ptr<double>(), size(weights.stride(0)), size(weights.stride(1))}, rowsOf(x),
                    writable(out), packed.data());
}

void addPower(const at::Tensor& x, const at::Tensor& sums) {
  matrixTable().addPower(size(x.size(0)), size(x.size(1)), rowsOf(x), writable(sums));
}

}  // namespace eegtorch
