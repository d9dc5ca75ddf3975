// Covariances of windows, shrunk or not.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

// How covariances are estimated from samples.
struct CovarianceOptions {
  // "scm": the mean of products. "oas": that, mixed with its mean variance in the share of Chen et al. 2010. "lwf": in
  // the share of Ledoit and Wolf 2004. "shrunk": in the share `shrinkage`.
  std::string estimator = "scm";
  double shrinkage = 0;
  bool centred = false;  // the samples have no mean, so that none is taken away
};

// x: (..., channels, samples). Returns (..., channels, channels), with the divisor `samples`.
at::Tensor covariances(const at::Tensor& x, const CovarianceOptions& options);

// One covariance for each class that occurs, in their order: (classes, channels, channels), with the divisor samples -
// 1, of signals without a mean; and the number of epochs of each. x: (epochs, channels, samples), labels: (epochs)
// int64. by_epoch: the mean of the epochs' covariances; else that of the epochs put one after the other.
std::pair<at::Tensor, at::Tensor> classCovariances(const at::Tensor& x, const at::Tensor& labels,
                                                   const std::string& estimator, double shrinkage, bool by_epoch);

}  // namespace eegtorch
