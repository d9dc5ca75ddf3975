// Sums over a recording that Picard's loss, gradient and Hessian are made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

// A density of sources, told by -log p and its derivatives: "tanh", "exp" or "cube".
struct Density {
  std::string fun;

  // Factor inside the density, as the picard package has it.
  double alpha() const { return fun == "exp" ? 0.1 : 1; }
};

// Means over samples at sources y = W x; n components.
struct DensityMeans {
  at::Tensor energy;    // (n): -log p of each source
  at::Tensor gradient;  // (n, n): psi(y) y'
  at::Tensor slope;     // (n): psi'(y)
  at::Tensor hessian;   // (n, n): psi'(y) (y^2)', only where asked for
};

// x: (n, samples), matrix: (n, n).
DensityMeans densityMeans(const at::Tensor& x, const at::Tensor& matrix, const Density& density, bool with_hessian);

}  // namespace eegtorch
