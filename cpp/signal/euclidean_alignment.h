// Euclidean alignment: trials whitened by the mean of their covariances, so that people resemble each other (He and Wu
// 2020, IEEE Transactions on Biomedical Engineering 67).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>

namespace eegtorch {

// Mean over trials of X X^T, not divided by time. x (..., trials, channels, samples) -> (..., channels, channels).
at::Tensor euclideanReference(const at::Tensor& x);

// The same for each trial, over itself and those before it. -> (..., trials, channels, channels).
at::Tensor runningReference(const at::Tensor& x);

// reference^(-1/2) X. Directions in which the reference has no power (such as the mean, after an average reference)
// stay without. x (..., channels, samples), reference (..., channels, channels), leading dimensions broadcast -> as x.
at::Tensor alignTo(const at::Tensor& x, const at::Tensor& reference);

// Trials aligned to the reference of all of them ("offline"), of the first `calibration` of them ("calibration"), or
// each to that of itself and those before it ("running"). -> as x, and the reference or references.
std::pair<at::Tensor, at::Tensor> euclideanAlignment(const at::Tensor& x, const std::string& mode, int64_t calibration);

}  // namespace eegtorch
