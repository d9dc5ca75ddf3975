#include "losses/variational.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>

#include "core/check.h"

namespace eegtorch {

VaeLoss vaeLoss(const at::Tensor& reconstruction, const at::Tensor& eeg, const at::Tensor& mu, const at::Tensor& logvar,
                double beta) {
  constexpr auto owner = "vae_loss";
  OptionCheck(owner).weight("beta", beta);
  checkInput(owner, mu, mu, {"batch", "latent values"});
  checkAlike(owner, logvar, mu);
  checkAlike(owner, eeg, reconstruction);
  const auto batch = static_cast<double>(mu.size(0));
  VaeLoss result;
  result.reconstruction_error = at::mse_loss(reconstruction, eeg, at::Reduction::Sum) / batch;
  result.kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum() / batch;
  result.loss = result.reconstruction_error + beta * result.kl;
  return result;
}

}  // namespace eegtorch
