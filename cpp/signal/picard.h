// Picard (Ablin, Cardoso and Gramfort 2018, "Faster independent component analysis by preconditioning with Hessian
// approximations") and Picard-O (the same, "Faster ICA under orthogonal constraint"): quasi-Newton steps on the
// likelihood of independent sources, with the steps and stopping rule of the picard package.
#pragma once

#include "signal/fastica.h"

namespace eegtorch {

struct PicardOptions {
  bool ortho = true;         // keep the unmixing matrix orthonormal: FastICA's solutions
  bool extended = true;      // decide for each source whether it is flatter or more peaked than a Gaussian
  std::string fun = "tanh";  // or "exp", "cube"
  int64_t fastica_it = 0;    // steps of FastICA to begin with
  int64_t m = 7;             // moves that L-BFGS remembers
  int64_t max_iter = 500;
  double tol = 1e-7;         // stop where no part of the gradient is larger
  double lambda_min = 0.01;  // smallest eigenvalue of the Hessian's approximation
  int64_t ls_tries = 10;     // halvings of a step before the gradient is followed
};

// white: (components, samples), of unit covariance. start: (components, components); made orthonormal by the caller.
Unmixing picard(const at::Tensor& white, const at::Tensor& start, const PicardOptions& options);

}  // namespace eegtorch
