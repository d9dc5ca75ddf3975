// Covariance matrices as points of a curved space (Barachant et al. 2012, "Multiclass brain-computer interface
// classification by Riemannian geometry"). All matrices are symmetric and positive definite; INVALID_OPTION for others.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

struct RiemannMean {
  at::Tensor mean;  // (n, n)
  int64_t iterations = 0;
  bool converged = true;
};

// matrices: (count, n, n), weights: (count) or undefined for equal ones. metric: "riemann", the point whose squared
// affine-invariant distances to all have the smallest sum, or "logeuclid", the exponential of the mean logarithm.
RiemannMean riemannMean(const at::Tensor& matrices, const at::Tensor& weights, const std::string& metric, double tol,
                        int64_t max_iter);

// The logarithms of matrices (count, n, n) as seen from `reference` (n, n): upper triangles, row by row, those beside
// the diagonal times the square root of 2; (count, n (n + 1) / 2).
at::Tensor tangentSpace(const at::Tensor& matrices, const at::Tensor& reference);

// The matrices (count, n, n) of tangent vectors (count, n (n + 1) / 2).
at::Tensor fromTangentSpace(const at::Tensor& vectors, const at::Tensor& reference);

// From each of matrices (count, n, n) to each of `references` (others, n, n): (count, others).
at::Tensor riemannDistances(const at::Tensor& matrices, const at::Tensor& references, const std::string& metric);

}  // namespace eegtorch
