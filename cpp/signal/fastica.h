// FastICA (Hyvarinen 1999, "Fast and robust fixed-point algorithms for independent component analysis"), with the
// steps, contrasts and stopping rule of scikit-learn.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

struct Unmixing {
  at::Tensor matrix;  // (components, components)
  int64_t iterations = 0;
  bool converged = false;
};

struct FastIcaOptions {
  std::string algorithm = "parallel";  // or "deflation": one component after the other
  std::string fun = "logcosh";         // or "exp", "cube"
  double alpha = 1;                    // of logcosh, 1 .. 2
  int64_t max_iter = 200;
  double tol = 1e-4;
};

// white: (components, samples), of unit covariance. start: (components, components), where the search begins.
Unmixing fastIca(const at::Tensor& white, const at::Tensor& start, const FastIcaOptions& options);

// `iterations` steps of the parallel algorithm from `start`, whatever they change.
at::Tensor fastIcaSteps(const at::Tensor& white, const at::Tensor& start, const std::string& fun, double alpha,
                        int64_t iterations);

// W made orthonormal: (W W')^(-1/2) W.
at::Tensor symmetricDecorrelation(const at::Tensor& matrix);

}  // namespace eegtorch
