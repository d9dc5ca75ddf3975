#include "signal/symmetric_matrices.h"

#include <ATen/ops/empty.h>

#include "core/error.h"
#include "kernels/dispatch.h"

namespace eegtorch {

namespace {

const kernels::SymmetricTable& symmetricTable() {
  static const kernels::SymmetricTable& chosen =
      kernels::chooseTable(kernels::avx512Symmetric, kernels::avx2Symmetric, kernels::baselineSymmetric);
  return chosen;
}

}  // namespace

int64_t SymmetricMatrices::together() { return static_cast<int64_t>(symmetricTable().together); }

SymmetricMatrices::SymmetricMatrices(int64_t count, int64_t n)
    : count_(static_cast<size_t>(count)), n_(static_cast<size_t>(n)), lanes_(symmetricTable().together) {
  const size_t matrix = n_ * kernels::rowOf(n_) * lanes_, row = n_ * lanes_;
  memory_ = at::empty({static_cast<int64_t>(2 * matrix + 6 * row)}, at::kDouble);
  matrices_ = memory_.mutable_data_ptr<double>();
  vectors_ = matrices_ + matrix;
  values_ = vectors_ + matrix;
  numbers_ = values_ + row;
  work_ = numbers_ + row;
}

void SymmetricMatrices::copyTo(size_t m, double* out) const {
  for (size_t i = 0; i < n_; i++)
    for (size_t j = i; j < n_; j++) out[i * n_ + j] = out[j * n_ + i] = matrices_[place(m, i, j)];
}

void SymmetricMatrices::sandwich(const double* outer) {
  symmetricTable().sandwich(n_, outer, matrices_, vectors_, matrices_);
}

void SymmetricMatrices::findEigen(double* vectors) {
  if (!symmetricTable().eigen(matrices_, n_, values_, vectors, work_))
    throw Error("DIVERGED", "the eigenvalues of a matrix were not found", "a search that ends", "one that does not");
}

void SymmetricMatrices::decompose() { findEigen(vectors_); }

void SymmetricMatrices::findEigenvalues() { findEigen(nullptr); }

void SymmetricMatrices::composeNumbers() { symmetricTable().compose(n_, vectors_, numbers_, matrices_); }

}  // namespace eegtorch
