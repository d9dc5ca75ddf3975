// Small matrices of doubles, worked on by one thread without a call into LibTorch for each step.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <vector>

#include "kernels/native/matrix_table.h"

namespace eegtorch {

using Numbers = std::vector<double>;

// The loops for the instructions that kernels/dispatch.h chose.
const kernels::MatrixTable& matrixTable();

// Symmetric matrices (n, n), one after the other. Room to work in belongs to it: one for each thread.
class SymmetricMatrices {
 public:
  explicit SymmetricMatrices(int64_t n);

  // The eigenvalues, in no order, of a matrix. Valid until the next call.
  const Numbers& eigenvalues(const double* matrix);

  // out = V f(D) V' of matrix = V D V'. f(value) is called for each eigenvalue. out may be `matrix`.
  template <class Function>
  void map(const double* matrix, const Function& function, double* out) {
    decompose(matrix, vectors_.data());
    for (auto& value : values_) value = function(value);
    compose(out);
  }

  // first = V f(D) V' and second = V g(D) V' of one decomposition. first may be `matrix`.
  template <class First, class Second>
  void mapTwice(const double* matrix, const First& f, double* first, const Second& g, double* second) {
    decompose(matrix, vectors_.data());
    const Numbers eigenvalues = values_;
    std::transform(eigenvalues.begin(), eigenvalues.end(), values_.begin(), f);
    compose(first);
    std::transform(eigenvalues.begin(), eigenvalues.end(), values_.begin(), g);
    compose(second);
  }

  // out = outer inner outer. out may be either.
  void sandwich(const double* outer, const double* inner, double* out);

  // A matrix (n, n) for the caller's own use.
  double* scratch() { return scratch_.data(); }

 private:
  void decompose(const double* matrix, double* vectors);
  void compose(double* out);

  size_t n_;
  Numbers matrix_, vectors_, values_, work_, scratch_;
};

// out (m, samples) = weights (m, channels) x (channels, samples), double, on the CPU, rows contiguous. packed: room for
// channels * kernels::kPanel numbers, or more.
void mixChannels(const at::Tensor& weights, const at::Tensor& x, const at::Tensor& out, Numbers& packed);

// sums (channels, channels) += x x', where the row is not below the column. x as of mixChannels.
void addPower(const at::Tensor& x, const at::Tensor& sums);

}  // namespace eegtorch
