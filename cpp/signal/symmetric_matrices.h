// Symmetric matrices of doubles beside each other, worked on by one thread without a call into LibTorch for each step.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <concepts>
#include <vector>

#include "kernels/native/symmetric_table.h"

namespace eegtorch {

using Numbers = std::vector<double>;

class SymmetricMatrices {
 public:
  // As many are worked on in the time of one.
  static int64_t together();

  // `count` matrices (n, n), at most together(), whose numbers on and above the diagonal are at(m, i, j).
  template <std::invocable<size_t, size_t, size_t> At>
  SymmetricMatrices(int64_t count, int64_t n, const At& at) : SymmetricMatrices(count, n) {
    for (size_t i = 0; i < n_; i++)
      for (size_t j = i; j < n_; j++)
        for (size_t lane = 0; lane < lanes_; lane++)  // the last one again in lanes that are left over
          matrices_[place(lane, i, j)] = at(std::min(lane, count_ - 1), i, j);
  }

  // The same from memory, one after the other.
  SymmetricMatrices(int64_t count, int64_t n, const double* matrices)
      : SymmetricMatrices(count, n, [&](size_t m, size_t i, size_t j) { return matrices[(m * n + i) * n + j]; }) {}

  SymmetricMatrices(SymmetricMatrices&&) = default;
  SymmetricMatrices& operator=(SymmetricMatrices&&) = default;

  double operator()(size_t m, size_t i, size_t j) const { return matrices_[place(m, std::min(i, j), std::max(i, j))]; }

  // Matrix m, whole.
  void copyTo(size_t m, double* out) const;

  // Each becomes outer M outer for one symmetric outer (n, n).
  void sandwich(const double* outer);

  // Each is V D V' from here on; its own numbers are lost.
  void decompose();

  // Each becomes V f(D) V' of its decomposition.
  template <class Function>
  void compose(const Function& function) {
    std::transform(values_, values_ + n_ * lanes_, numbers_, function);
    composeNumbers();
  }

  template <class Function>
  void map(const Function& function) {
    decompose();
    compose(function);
  }

  // Loses the numbers of the matrices. eigenvalue(m, k): in no order.
  void findEigenvalues();
  double eigenvalue(size_t m, size_t k) const { return values_[k * lanes_ + m]; }

 private:
  SymmetricMatrices(int64_t count, int64_t n);
  size_t place(size_t m, size_t i, size_t j) const { return (i * kernels::rowOf(n_) + j) * lanes_ + m; }
  void findEigen(double* vectors);
  void composeNumbers();

  size_t count_, n_, lanes_;
  at::Tensor memory_;
  double *matrices_, *vectors_, *values_, *numbers_, *work_;  // parts of it
};

}  // namespace eegtorch
