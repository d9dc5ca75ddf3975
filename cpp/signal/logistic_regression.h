// Logistic regression with an L2 penalty, fitted to convergence: what scikit-learn's LogisticRegression minimises.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

struct LogisticModel {
  at::Tensor coefficients;  // (outputs, features): one output for two classes, else one a class
  at::Tensor intercepts;    // (outputs)
  int64_t iterations = 0;
  bool converged = false;
};

// Minimises c * (sum of the cross-entropies) + half the squared coefficients; intercepts cost nothing. The minimum is
// unique, so that the result does not depend on the way there.
// features: (rows, features), labels: (rows) int64 from 0 to classes - 1, each of which occurs.
LogisticModel logisticRegression(const at::Tensor& features, const at::Tensor& labels, int64_t classes, double c,
                                 double tol, int64_t max_iter);

}  // namespace eegtorch
