// The two steps of the adversarial autoencoder (Makhzani et al. 2015, arXiv 1511.05644), on logits: no probability can
// overflow a logarithm. References: test/oracle/models/eeg/aae_{discriminator,autoencoder}_loss.py.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Cross entropy of prior samples called real plus codes called fake, each a mean. real_logit and fake_logit (any
// shape) -> (). The codes that fake_logit was computed of should be detached.
at::Tensor aaeDiscriminatorLoss(const at::Tensor& real_logit, const at::Tensor& fake_logit);

struct AaeAutoencoderLoss {
  at::Tensor loss;                  // reconstruction_error + adversarial_weight * adversarial, ()
  at::Tensor reconstruction_error;  // mean squared error, ()
  at::Tensor adversarial;           // cross entropy of the codes called real, ()
};

// reconstruction and image of one shape, fake_logit (any shape).
AaeAutoencoderLoss aaeAutoencoderLoss(const at::Tensor& reconstruction, const at::Tensor& image,
                                      const at::Tensor& fake_logit, double adversarial_weight);

}  // namespace eegtorch
