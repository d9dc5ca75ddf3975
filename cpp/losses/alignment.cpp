#include "losses/alignment.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros.h>

#include "core/check.h"

namespace eegtorch {

namespace {

constexpr double kSmallestNorm = 1e-12;

at::Tensor normalised(const at::Tensor& x) { return x / x.norm(2, -1, true).clamp_min(kSmallestNorm); }

}  // namespace

at::Tensor infoNceLoss(const at::Tensor& prediction, const at::Tensor& candidates, const at::Tensor& labels,
                       double temperature) {
  constexpr auto owner = "info_nce_loss";
  OptionCheck(owner).positive("temperature", temperature);
  checkInput(owner, prediction, prediction, {"batch", "dim"});
  checkInput(owner, candidates, prediction, {"candidates", {prediction.size(1), "dim"}});
  checkIndices(owner, labels, {{prediction.size(0), "labels"}});
  const auto similarity = at::matmul(normalised(prediction), normalised(candidates).t());  // (batch, candidates)
  return at::cross_entropy_loss(similarity / temperature, labels);
}

at::Tensor cosineLoss(const at::Tensor& prediction, const at::Tensor& target, double eps) {
  constexpr auto owner = "cosine_loss";
  OptionCheck(owner).positive("eps", eps);
  checkInput(owner, prediction, prediction, {"batch", "dim"});
  checkInput(owner, target, prediction, {{prediction.size(0), "batch"}, {prediction.size(1), "dim"}});
  return (1 - at::cosine_similarity(prediction, target, -1, eps)).mean();
}

namespace {

at::Tensor meanSquaredError(const at::Tensor& hidden, const at::Tensor& labels,
                            const std::optional<at::Tensor>& text_hidden, double weight) {
  constexpr auto owner = "mapper_loss";
  if (!text_hidden) {
    OptionCheck(owner).require(weight == 0, "lambda_mse", "0 without text_hidden", std::to_string(weight));
    return at::zeros({}, hidden.options());
  }
  checkInput(owner, *text_hidden, hidden, {"classes", {hidden.size(1), "queries"}, {hidden.size(2), "dim"}});
  return at::mse_loss(hidden, text_hidden->index_select(0, labels));
}

}  // namespace

MapperLoss mapperLoss(const at::Tensor& encoder_hidden_states, const at::Tensor& prompt_embeds,
                      const at::Tensor& class_logits, const at::Tensor& labels, const at::Tensor& image_prototypes,
                      const std::optional<at::Tensor>& text_hidden, const MapperLossWeights& weights,
                      double temperature, double eps) {
  constexpr auto owner = "mapper_loss";
  checkInput(owner, encoder_hidden_states, prompt_embeds, {{prompt_embeds.size(0), "batch"}, "queries", "dim"});
  checkInput(owner, class_logits, prompt_embeds, {{prompt_embeds.size(0), "batch"}, "classes"});
  checkInput(owner, image_prototypes, prompt_embeds, {"classes", "dim"});
  checkIndices(owner, labels, {{prompt_embeds.size(0), "labels"}});
  MapperLoss result;
  result.classification = at::cross_entropy_loss(class_logits, labels);
  result.contrastive = infoNceLoss(prompt_embeds, image_prototypes, labels, temperature);
  result.cosine = cosineLoss(prompt_embeds, image_prototypes.index_select(0, labels), eps);
  result.mse = meanSquaredError(encoder_hidden_states, labels, text_hidden, weights.mse);
  result.loss = weights.cls * result.classification + weights.contrastive * result.contrastive +
                weights.cos * result.cosine + weights.mse * result.mse;
  return result;
}

}  // namespace eegtorch
