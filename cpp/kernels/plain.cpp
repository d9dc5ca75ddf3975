#include "kernels/plain.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace eegtorch::kernels {

variable_list plainGradients(const PlainForward& forward, const variable_list& inputs, const at::Tensor& grad_output,
                             const std::vector<bool>& needed) {
  const bool again = at::GradMode::is_enabled();
  at::AutoGradMode record(true);
  variable_list leaves = inputs, wanted;
  for (size_t i = 0; i < leaves.size(); i++) {
    if (!leaves[i].defined()) continue;
    // A view, not the input itself: where one input was computed from another, the gradient of that other one must not
    // go through the first as well.
    leaves[i] = again ? leaves[i].view_as(leaves[i]) : leaves[i].detach().requires_grad_(needed[i]);
    if (needed[i]) wanted.push_back(leaves[i]);
  }
  const auto found = torch::autograd::grad({forward(leaves)}, wanted, {grad_output}, again, again, true);
  variable_list result(inputs.size());
  for (size_t i = 0, next = 0; i < inputs.size(); i++)
    if (inputs[i].defined() && needed[i]) result[i] = found[next++];
  return result;
}

}  // namespace eegtorch::kernels
