// What a variational autoencoder minimises: the negative evidence bound (Kingma and Welling 2014, ICLR, appendix B)
// with beta (Higgins et al. 2017, ICLR). Reference: test/oracle/models/eeg/vae_loss.py.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

struct VaeLoss {
  at::Tensor loss;                  // reconstruction_error + beta * kl, ()
  at::Tensor reconstruction_error;  // squared error summed over a window, mean over the batch, ()
  at::Tensor kl;                    // KL(N(mu, exp(logvar)) || N(0, 1)) summed over the latent, mean over the batch, ()
};

// reconstruction and eeg (batch, ...) of one shape, mu and logvar (batch, latent_dim).
VaeLoss vaeLoss(const at::Tensor& reconstruction, const at::Tensor& eeg, const at::Tensor& mu, const at::Tensor& logvar,
                double beta);

}  // namespace eegtorch
