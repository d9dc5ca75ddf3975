#include "losses/adversarial.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>

#include "core/check.h"

namespace eegtorch {

namespace {

at::Tensor calledReal(const at::Tensor& logit) {
  return at::binary_cross_entropy_with_logits(logit, at::ones_like(logit));
}

at::Tensor calledFake(const at::Tensor& logit) {
  return at::binary_cross_entropy_with_logits(logit, at::zeros_like(logit));
}

}  // namespace

at::Tensor aaeDiscriminatorLoss(const at::Tensor& real_logit, const at::Tensor& fake_logit) {
  return calledReal(real_logit) + calledFake(fake_logit);
}

AaeAutoencoderLoss aaeAutoencoderLoss(const at::Tensor& reconstruction, const at::Tensor& image,
                                      const at::Tensor& fake_logit, double adversarial_weight) {
  constexpr auto owner = "aae_autoencoder_loss";
  OptionCheck(owner).weight("adversarial_weight", adversarial_weight);
  checkAlike(owner, image, reconstruction);
  AaeAutoencoderLoss result;
  result.reconstruction_error = at::mse_loss(reconstruction, image);
  result.adversarial = calledReal(fake_logit);
  result.loss = result.reconstruction_error + adversarial_weight * result.adversarial;
  return result;
}

}  // namespace eegtorch
