// CSBrain: a foundation model of EEG with tokens at several scales and structured sparse attention (Zhou et al. 2025,
// NeurIPS, arXiv 2506.23075). Reference: test/oracle/models/eeg/csbrain.py, which says what a reader would not guess.
#pragma once

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"
#include "kernels/kept.h"
#include "transformer/eeg_patches.h"

namespace eegtorch {

struct CsBrainConfig {
  int64_t in_dim = 200;
  int64_t out_dim = 200;
  int64_t d_model = 200;
  int64_t dim_feedforward = 800;
  int64_t seq_len = 30;
  int64_t n_layer = 12;
  int64_t nhead = 8;
  std::vector<std::vector<int64_t>> tem_embed_kernel_sizes = {{1}, {3}, {5}};
  std::vector<int64_t> brain_regions = {0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1};
  std::optional<std::vector<int64_t>> sorted_indices;
  int64_t n_regions = 5;
  double drop_prob = 0.1;
  int64_t n_patches = 4;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_dim", in_dim, "samples of a patch, at 200 hertz");
    visit("out_dim", out_dim, "width of a token that comes out; equal to in_dim");
    visit("d_model", d_model, "width of a token inside; equal to in_dim, a multiple of 25");
    visit("dim_feedforward", dim_feedforward, "width inside each layer's feed-forward part");
    visit("seq_len", seq_len, "patches of the pretraining; recorded, not used by the network");
    visit("n_layer", n_layer, "encoder layers");
    visit("nhead", nhead, "attention heads, a divisor of d_model");
    visit("tem_embed_kernel_sizes", tem_embed_kernel_sizes, "lengths of the convolutions over patches, odd");
    visit("brain_regions", brain_regions,
          "region of each recorded channel: 0 frontal, 1 parietal, 2 temporal, 3 occipital, 4 central");
    visit("sorted_indices", sorted_indices,
          "recorded channel at each place, region by region; a stable sort by region when null");
    visit("n_regions", n_regions, "regions that have weights");
    visit("drop_prob", drop_prob, "dropout probability");
    visit("n_patches", n_patches, "patches of a window");
  }
};

// First place and number of channels of each region that has any, in ascending order.
struct BrainRegion {
  int64_t id, first, count;
};

class CsBrainLayerImpl : public torch::nn::Module {
 public:
  CsBrainLayerImpl(const CsBrainConfig& config, const std::vector<BrainRegion>& regions);
  at::Tensor forward(const at::Tensor& x);  // (batch, channels, patches, width), likewise

 private:
  // added + attention between equal positions of different windows; and between channels of different regions.
  at::Tensor addWindows(const at::Tensor& added, const at::Tensor& x);
  at::Tensor addGroups(const at::Tensor& added, const at::Tensor& x);

  std::vector<BrainRegion> regions_;
  at::Tensor group_mask_;  // (channels, channels): 0 within a group, -inf elsewhere
  MultiheadAttention inter_region_{nullptr}, inter_window_{nullptr};
  std::optional<PackedLinear> global_fc_, linear1_, linear2_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(CsBrainLayer);

// The convolutions over patches and over a region's channels in inference, packed.
struct PackedScales;

class CsBrainImpl : public ModelImpl {
 public:
  // with_projection: whether features can be turned back into patches. owner: for messages.
  explicit CsBrainImpl(const CsBrainConfig& config = {}, bool with_projection = true, const char* owner = "csbrain");

  // eeg (batch, channels, n_patches, in_dim) in units of 100 uV -> (batch, channels, n_patches, d_model), channels
  // region by region. mask as above, in that order too; may be undefined.
  at::Tensor features(const at::Tensor& eeg, const at::Tensor& mask);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  at::Tensor embedTime(const at::Tensor& x);
  at::Tensor embedRegions(const at::Tensor& x);
  // The same in inference.
  PackedScales pack() const;
  at::Tensor embedTime(const at::Tensor& x, const PackedScales& packed) const;
  at::Tensor embedRegions(const at::Tensor& x, const PackedScales& packed) const;

  CsBrainConfig config_;
  const char* owner_;
  std::vector<BrainRegion> regions_;
  std::vector<int64_t> order_;
  EegPatches patch_embedding_{nullptr};
  std::vector<torch::nn::Conv2d> time_convs_;
  std::vector<std::vector<torch::nn::Conv2d>> region_convs_;  // of every region that has weights
  std::vector<at::Tensor> scale_weights_;                     // of both
  kernels::Kept<PackedScales> packed_;
  torch::nn::ModuleList layers_{nullptr};
  torch::nn::Linear projection_{nullptr};
};
TORCH_MODULE(CsBrain);

struct CsBrainClassifierConfig {
  CsBrainConfig encoder;
  int64_t n_outputs = 4;
  double head_drop_prob = 0.3;

  template <class Visitor>
  void fields(Visitor&& visit) {
    encoder.fields(visit);
    visit("n_outputs", n_outputs, "classes");
    visit("head_drop_prob", head_drop_prob, "dropout probability of the classifier");
  }
};

// The encoder under three linear layers: the authors' network for BCI Competition IV 2a.
class CsBrainClassifierImpl : public ModelImpl {
 public:
  explicit CsBrainClassifierImpl(const CsBrainClassifierConfig& config = {});

  // eeg (batch, channels, n_patches, in_dim), or whole windows (batch, channels, n_patches * in_dim) -> logits (batch,
  // n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  int64_t n_patches_, in_dim_;
  CsBrain backbone_{nullptr};
  Chain feed_forward_{nullptr};
};
TORCH_MODULE(CsBrainClassifier);

}  // namespace eegtorch
