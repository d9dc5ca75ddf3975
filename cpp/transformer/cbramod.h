// CBraMod: a foundation model of EEG whose attention looks along electrodes with one half of a token and along time
// with the other (Wang et al. 2025, ICLR, arXiv 2412.07236). References:
// test/oracle/models/eeg/cbramod{,_classifier}.py.
#pragma once

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"
#include "transformer/eeg_patches.h"

namespace eegtorch {

struct CbramodConfig {
  int64_t in_dim = 200;
  int64_t out_dim = 200;
  int64_t d_model = 200;
  int64_t dim_feedforward = 800;
  int64_t seq_len = 30;
  int64_t n_layer = 12;
  int64_t nhead = 8;
  double drop_prob = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_dim", in_dim, "samples of a patch, at 200 hertz");
    visit("out_dim", out_dim, "width of the patch that the last layer gives back");
    visit("d_model", d_model, "width of a token; equal to in_dim, a multiple of 25");
    visit("dim_feedforward", dim_feedforward, "width inside each layer's feed-forward part");
    visit("seq_len", seq_len, "patches of the pretraining; recorded, not used by the network");
    visit("n_layer", n_layer, "encoder layers");
    visit("nhead", nhead, "attention heads, one half along electrodes, the other along time; d_model is a multiple");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

// Attention of both kinds side by side, then a feed-forward part; norms first.
class CrissCrossLayerImpl : public torch::nn::Module {
 public:
  explicit CrissCrossLayerImpl(const CbramodConfig& config);
  at::Tensor forward(const at::Tensor& x);  // (batch, channels, patches, width), likewise

 private:
  at::Tensor addAttention(const at::Tensor& added, const at::Tensor& x);  // added + both kinds' result

  MultiheadAttention space_{nullptr}, time_{nullptr};
  std::optional<PackedLinear> linear1_, linear2_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(CrissCrossLayer);

class CbramodImpl : public ModelImpl {
 public:
  // with_projection: whether tokens can be turned back into patches. owner: for messages.
  explicit CbramodImpl(const CbramodConfig& config = {}, bool with_projection = true, const char* owner = "cbramod");

  // eeg (batch, channels, patches, in_dim) in units of 100 uV, any montage -> (batch, channels, patches, d_model).
  // mask (batch, channels, patches), 1 where a patch is hidden; may be undefined.
  at::Tensor features(const at::Tensor& eeg, const at::Tensor& mask);
  // features -> patches (batch, channels, patches, out_dim)
  at::Tensor project(const at::Tensor& features) { return projection_->forward(features); }
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  CbramodConfig config_;
  const char* owner_;
  EegPatches patch_embedding_{nullptr};
  torch::nn::ModuleList layers_{nullptr};
  torch::nn::Linear projection_{nullptr};
};
TORCH_MODULE(Cbramod);

inline constexpr std::array kCbramodHeads = {"all_patch_reps", "all_patch_reps_twolayer", "all_patch_reps_onelayer",
                                             "avgpooling_patch_reps"};

struct CbramodClassifierConfig {
  CbramodConfig encoder;
  int64_t n_chans = 22;
  int64_t n_times = 800;
  int64_t n_outputs = 4;
  OneOf<kCbramodHeads> classifier;
  std::optional<int64_t> head_dim;
  double head_drop_prob = 0.1;
  bool projection = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_times", n_times, "samples in a window, a multiple of in_dim");
    visit("n_outputs", n_outputs, "classes");
    encoder.fields(visit);
    visit("classifier", classifier, "three, two or one linear layer over all tokens, or one over their mean");
    visit("head_dim", head_dim, "width after the first of three layers; patches times d_model when null");
    visit("head_drop_prob", head_drop_prob, "dropout probability of the classifier");
    visit("projection", projection, "keep the encoder's projection before the classifier, as braindecode does");
  }
};

// The encoder under one of the authors' classifiers, or, with projection and one layer, braindecode's CBraMod.
class CbramodClassifierImpl : public ModelImpl {
 public:
  explicit CbramodClassifierImpl(const CbramodClassifierConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  // braindecode's, where the encoder has no prefix.
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  CbramodClassifierConfig config_;
  Cbramod backbone_{nullptr};
  // Linear layers under the places that they have in the reference, with ELU and dropout between them.
  std::vector<torch::nn::Linear> head_;
  Dropout dropout_{nullptr};
};
TORCH_MODULE(CbramodClassifier);

}  // namespace eegtorch
