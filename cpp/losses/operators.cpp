// The losses as operators of the namespace `eegtorch`: from JavaScript they go through the same door as LibTorch's own,
// are differentiated and recorded like them. Names of arguments, defaults and results are told here alone:
// lib/training/losses.ts and `eegtorch verify` read them from these schemas.
#include <torch/library.h>

#include "losses/adversarial.h"
#include "losses/alignment.h"
#include "losses/variational.h"

namespace eegtorch {

namespace {

using at::Tensor;

std::tuple<Tensor, Tensor, Tensor> aaeAutoencoderOperator(const Tensor& reconstruction, const Tensor& image,
                                                          const Tensor& fake_logit, double adversarial_weight) {
  const auto [loss, error, adversarial] = aaeAutoencoderLoss(reconstruction, image, fake_logit, adversarial_weight);
  return {loss, error, adversarial};
}

std::tuple<Tensor, Tensor, Tensor> vaeOperator(const Tensor& reconstruction, const Tensor& eeg, const Tensor& mu,
                                               const Tensor& logvar, double beta) {
  const auto [loss, error, kl] = vaeLoss(reconstruction, eeg, mu, logvar, beta);
  return {loss, error, kl};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> mapperOperator(
    const Tensor& encoder_hidden_states, const Tensor& prompt_embeds, const Tensor& class_logits, const Tensor& labels,
    const Tensor& image_prototypes, const std::optional<Tensor>& text_hidden, double lambda_cls,
    double lambda_contrastive, double lambda_cos, double lambda_mse, double temperature, double eps) {
  const auto [loss, classification, contrastive, cosine, mse] =
      mapperLoss(encoder_hidden_states, prompt_embeds, class_logits, labels, image_prototypes, text_hidden,
                 {lambda_cls, lambda_contrastive, lambda_cos, lambda_mse}, temperature, eps);
  return {loss, classification, contrastive, cosine, mse};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def(
      "info_nce_loss(Tensor prediction, Tensor candidates, Tensor labels, *, float temperature=0.5) -> (Tensor loss)",
      infoNceLoss);
  library.def("cosine_loss(Tensor prediction, Tensor target, *, float eps=1e-08) -> (Tensor loss)", cosineLoss);
  library.def("aae_discriminator_loss(Tensor real_logit, Tensor fake_logit) -> (Tensor loss)", aaeDiscriminatorLoss);
  library.def(
      "aae_autoencoder_loss(Tensor reconstruction, Tensor image, Tensor fake_logit, *, float adversarial_weight=0.1) "
      "-> (Tensor loss, Tensor reconstruction_error, Tensor adversarial)",
      aaeAutoencoderOperator);
  library.def(
      "vae_loss(Tensor reconstruction, Tensor eeg, Tensor mu, Tensor logvar, *, float beta=1.0) -> (Tensor loss, "
      "Tensor reconstruction_error, Tensor kl)",
      vaeOperator);
  library.def(
      "mapper_loss(Tensor encoder_hidden_states, Tensor prompt_embeds, Tensor class_logits, Tensor labels, Tensor "
      "image_prototypes, Tensor? text_hidden, *, float lambda_cls=5.0, float lambda_contrastive=2.0, float "
      "lambda_cos=1.0, float lambda_mse=0.1, float temperature=0.5, float eps=1e-08) -> (Tensor loss, Tensor "
      "classification, Tensor contrastive, Tensor cosine, Tensor mse)",
      mapperOperator);
}

}  // namespace eegtorch
