// Common spatial patterns: filters whose output differs most in power between classes (Blankertz et al. 2008; for
// several classes Grosse-Wentrup and Buss 2008), with the choices of mne.decoding.CSP.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

struct SpatialPatterns {
  at::Tensor filters;   // (components, channels), the most telling first; as many components as the rank
  at::Tensor patterns;  // (components, channels): what one unit of a component looks like on the channels
};

// covariances: (classes, channels, channels), positive semidefinite. weights: (classes), how much each class counts.
// order: "mutual_info", or for two classes "alternate", which takes both ends of the eigenvalues in turn.
SpatialPatterns commonSpatialPatterns(const at::Tensor& covariances, const at::Tensor& weights,
                                      const std::string& order);

// A matrix (n, n) that makes all of some symmetric positive definite matrices (count, n, n) nearly diagonal, from both
// sides: Pham 2001, "Joint approximate diagonalization of positive definite Hermitian matrices".
at::Tensor jointDiagonaliser(const at::Tensor& matrices, double eps = 1e-6, int64_t max_iter = 15);

}  // namespace eegtorch
