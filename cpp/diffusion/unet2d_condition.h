// The UNet of Stable Diffusion (Rombach et al. 2022, CVPR, arXiv 2112.10752): predicts a sample's noise, or velocity,
// from the noisy sample, the time step and a context such as a text or EEG. Reference: diffusers,
// UNet2DConditionModel, whose tensors have these names.
#pragma once

#include "diffusion/contracting_path.h"

namespace eegtorch {

inline constexpr std::array kUpBlockTypes = {"CrossAttnUpBlock2D", "UpBlock2D"};
inline constexpr std::array kPositional = {"positional"};
inline constexpr std::array kDefaultAttention = {"default"};

struct UNet2dConditionConfig : ContractingPathConfig {
  using UpBlockType = OneOf<kUpBlockTypes>;

  RecordedSize sample_size;
  int64_t out_channels = 4;
  bool center_input_sample = false;
  std::vector<UpBlockType> up_block_types = {{kUpBlockTypes[1]}, {}, {}, {}};
  double dropout = 0;
  AlwaysNull reverse_transformer_layers_per_block;
  AlwaysFalse dual_cross_attention, resnet_skip_time_act;
  double resnet_out_scale_factor = 1;
  OneOf<kPositional> time_embedding_type;
  std::optional<int64_t> time_embedding_dim;
  AlwaysNull time_embedding_act_fn, timestep_post_act, time_cond_proj_dim;
  int64_t conv_in_kernel = 3, conv_out_kernel = 3;
  OneOf<kDefaultAttention> attention_type;
  AlwaysFalse class_embeddings_concat;
  AlwaysNull mid_block_only_cross_attention, cross_attention_norm;

  template <class Visitor>
  void fields(Visitor&& visit) {
    constexpr auto kNotHere = "recorded; this network has no other value";
    visit("sample_size", sample_size, "height and width of samples; recorded, the network takes any");
    visit("out_channels", out_channels, "channels of what is predicted");
    visit("center_input_sample", center_input_sample, "whether samples from 0 to 1 are moved to -1 to 1 first");
    pathFields(visit);
    visit("up_block_types", up_block_types, "kind of each block on the way up");
    visit("dropout", dropout, "dropout probability");
    visit("reverse_transformer_layers_per_block", reverse_transformer_layers_per_block, kNotHere);
    visit("dual_cross_attention", dual_cross_attention, kNotHere);
    visit("resnet_skip_time_act", resnet_skip_time_act, kNotHere);
    visit("resnet_out_scale_factor", resnet_out_scale_factor, "recorded, not used by these kinds of blocks");
    visit("time_embedding_type", time_embedding_type, kNotHere);
    visit("time_embedding_dim", time_embedding_dim,
          "width of the time embedding; four times the first width when null");
    visit("time_embedding_act_fn", time_embedding_act_fn, kNotHere);
    visit("timestep_post_act", timestep_post_act, kNotHere);
    visit("time_cond_proj_dim", time_cond_proj_dim, kNotHere);
    visit("conv_in_kernel", conv_in_kernel, "size of the first convolution, odd");
    visit("conv_out_kernel", conv_out_kernel, "size of the last convolution, odd");
    visit("attention_type", attention_type, kNotHere);
    visit("class_embeddings_concat", class_embeddings_concat, kNotHere);
    visit("mid_block_only_cross_attention", mid_block_only_cross_attention, kNotHere);
    visit("cross_attention_norm", cross_attention_norm, kNotHere);
  }

  void check(const OptionCheck& options) const;
  // The three tensors that it needs; then, marked "?", what ControlNet adds to each skip and to the middle.
  std::vector<std::string> inputs() const;
};

class UNet2dConditionImpl : public ContractingPathImpl {
 public:
  explicit UNet2dConditionImpl(const UNet2dConditionConfig& config = {});

  // sample (batch, in_channels, height, width), timestep () or (batch), encoder_hidden_states (batch, tokens,
  // cross_attention_dim), then none or all of down_block_additional_residual_i, each of its skip's shape or
  // (batch, channels, 1, 1), and mid_block_additional_residual -> sample (batch, out_channels, height, width)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

  // inputs: as of run. shifts: by width, (batch, width), added inside the residual blocks of that width.
  at::Tensor denoise(const std::vector<at::Tensor>& inputs, const std::map<int64_t, at::Tensor>& shifts);

 private:
  void addUpBlocks(const std::shared_ptr<Named>& list);
  void addResiduals(const std::vector<at::Tensor>& inputs, std::vector<at::Tensor>& skips, at::Tensor& x);

  UNet2dConditionConfig config_;
  std::vector<UNetUpBlock> up_;
  GroupNorm conv_norm_out_{nullptr};
  Conv2d conv_out_{nullptr};
};
TORCH_MODULE(UNet2dCondition);

}  // namespace eegtorch
