// What happens to gradients between backward and the optimiser, without reading anything back from the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "training/optimizer.h"

namespace eegtorch {

// The 2-norm of all gradients together, as a scalar tensor; zero without gradients.
at::Tensor gradientNorm(const std::vector<at::Tensor>& gradients);

// Scales the gradients in place so that their norm is at most max_norm.
void clipGradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm, double max_norm);

// Moves every number of the gradients into -largest .. largest.
void clipValues(const std::vector<at::Tensor>& gradients, double largest);

// l1 times the sum of the weights' sizes plus l2 times the sum of their squares.
struct Penalty {
  NamedTensors parameters;
  double l1 = 0, l2 = 0;

  explicit operator bool() const { return l1 > 0 || l2 > 0; }
  at::Tensor value() const;
  // Adds its gradient to those of the parameters.
  void addGradient() const;
};

// Loss scaling for float16: the loss is multiplied so that small gradients do not vanish; the factor halves after an
// overflow and doubles after growth_interval steps without one (Micikevicius et al. 2018).
class GradScaler {
 public:
  explicit GradScaler(at::Device device);

  at::Tensor scale(const at::Tensor& loss) const;
  // Divides the gradients again; the result is 1 when one of them is not finite.
  at::Tensor unscale(const std::vector<at::Tensor>& gradients) const;
  void update(const at::Tensor& found_inf);

  NamedTensors state() const { return {{"scale", scale_}, {"growth_tracker", growth_tracker_}}; }

 private:
  at::Tensor scale_, growth_tracker_;
};

}  // namespace eegtorch
