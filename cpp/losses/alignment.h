// Losses that pull the EEG's embeddings towards those of images and texts, as sections of the EEG-to-image design
// document define them. References: test/oracle/models/eeg/{info_nce,cosine,mapper}_loss.py.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace eegtorch {

// InfoNCE (van den Oord et al. 2018, arXiv 1807.03748): cross entropy of cosine similarity over temperature.
// prediction (batch, dim), candidates (candidates, dim), labels (batch): each prediction's candidate -> ().
at::Tensor infoNceLoss(const at::Tensor& prediction, const at::Tensor& candidates, const at::Tensor& labels,
                       double temperature);

// 1 - cosine similarity, mean over the batch. prediction and target (batch, dim) -> (). eps bounds each norm from
// below.
at::Tensor cosineLoss(const at::Tensor& prediction, const at::Tensor& target, double eps);

struct MapperLossWeights {
  double cls = 5, contrastive = 2, cos = 1, mse = 0.1;
};

struct MapperLoss {
  at::Tensor loss;                                      // the weighted sum, ()
  at::Tensor classification, contrastive, cosine, mse;  // its terms without their weights
};

// What eeg_clip_mapper is trained towards: classes, and the rows of two tables that the labels name.
// encoder_hidden_states (batch, queries, dim), prompt_embeds (batch, dim), class_logits (batch, classes), labels
// (batch), image_prototypes (classes, dim), text_hidden (classes, queries, dim), which the warm-up phase
// (weights.mse = 0) may leave out.
MapperLoss mapperLoss(const at::Tensor& encoder_hidden_states, const at::Tensor& prompt_embeds,
                      const at::Tensor& class_logits, const at::Tensor& labels, const at::Tensor& image_prototypes,
                      const std::optional<at::Tensor>& text_hidden, const MapperLossWeights& weights,
                      double temperature, double eps);

}  // namespace eegtorch
