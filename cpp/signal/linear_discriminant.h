// Linear discriminant analysis with shrunk covariances: scikit-learn's LinearDiscriminantAnalysis(solver='lsqr',
// shrinkage='auto').
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// A row x belongs to a class with a probability in proportion to exp(coefficients x + intercept).
struct DiscriminantModel {
  at::Tensor coefficients;  // (classes, features)
  at::Tensor intercepts;    // (classes)
};

// Classes share a covariance: the mean of their own, each shrunk by the rule of Ledoit and Wolf 2004 after its features
// were scaled to unit variance, so that features of different size are treated alike. Where it stays singular (constant
// features, a single row a class) its diagonal is loaded.
// features: (rows, features), labels: (rows) int64 from 0 to classes - 1, each of which occurs.
DiscriminantModel linearDiscriminant(const at::Tensor& features, const at::Tensor& labels, int64_t classes);

}  // namespace eegtorch
