// The way down of a diffusion UNet and its middle, which ControlNet has as well: options, checks, layers and forward.
// Reference: diffusers, UNet2DConditionModel and ControlNetModel, whose tensors have these names.
#pragma once

#include <array>

#include "blocks/chain.h"
#include "core/check.h"
#include "core/model.h"
#include "diffusion/config_fields.h"
#include "diffusion/time_embedding.h"
#include "diffusion/unet_blocks.h"

namespace eegtorch {

inline constexpr std::array kDownBlockTypes = {"CrossAttnDownBlock2D", "DownBlock2D"};
inline constexpr std::array kMidBlockTypes = {"UNetMidBlock2DCrossAttn"};
inline constexpr std::array kSiluNames = {"silu", "swish"};
inline constexpr std::array kTimeShifts = {"default"};

struct ContractingPathConfig {
  using DownBlockType = OneOf<kDownBlockTypes>;

  int64_t in_channels = 4;
  bool flip_sin_to_cos = true;
  int64_t freq_shift = 0;
  std::vector<DownBlockType> down_block_types = {{}, {}, {}, {kDownBlockTypes[1]}};
  OneOf<kMidBlockTypes> mid_block_type;
  AlwaysFalse only_cross_attention;
  std::vector<int64_t> block_out_channels = {320, 640, 1280, 1280};
  PerBlock layers_per_block{{2}};
  int64_t downsample_padding = 1;
  double mid_block_scale_factor = 1;
  OneOf<kSiluNames> act_fn;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  int64_t cross_attention_dim = 1280;
  PerBlock transformer_layers_per_block{{1}};
  AlwaysNull encoder_hid_dim, encoder_hid_dim_type;
  PerBlock attention_head_dim{{8}};
  AlwaysNull num_attention_heads;
  bool use_linear_projection = false;
  AlwaysNull class_embed_type, addition_embed_type, addition_time_embed_dim, num_class_embeds;
  bool upcast_attention = false;
  OneOf<kTimeShifts> resnet_time_scale_shift;
  AlwaysNull projection_class_embeddings_input_dim;
  int64_t addition_embed_type_num_heads = 64;

  template <class Visitor>
  void pathFields(Visitor&& visit) {
    constexpr auto kNotHere = "recorded; these networks have no other value";
    visit("in_channels", in_channels, "channels of the noisy sample");
    visit("flip_sin_to_cos", flip_sin_to_cos, "whether the time step's cosines come before its sines");
    visit("freq_shift", freq_shift, "subtracted from half the width, by which the time step's frequencies are spaced");
    visit("down_block_types", down_block_types, "kind of each block on the way down");
    visit("mid_block_type", mid_block_type, "kind of the middle block");
    visit("only_cross_attention", only_cross_attention, kNotHere);
    visit("block_out_channels", block_out_channels, "channels of each block, as many as there are blocks");
    visit("layers_per_block", layers_per_block,
          "residual blocks in each block on the way down; one more on the way up");
    visit("downsample_padding", downsample_padding, "padding where images are halved; 0: below and to the right only");
    visit("mid_block_scale_factor", mid_block_scale_factor, "divides the sums in the middle block's residual blocks");
    visit("act_fn", act_fn, "nonlinearity");
    visit("norm_num_groups", norm_num_groups, "groups of the group norms, a divisor of every width");
    visit("norm_eps", norm_eps, "added to variances in group norms, but for those before attention (1e-6)");
    visit("cross_attention_dim", cross_attention_dim, "width of a token of the context");
    visit("transformer_layers_per_block", transformer_layers_per_block, "layers of each transformer");
    visit("encoder_hid_dim", encoder_hid_dim, kNotHere);
    visit("encoder_hid_dim_type", encoder_hid_dim_type, kNotHere);
    visit("attention_head_dim", attention_head_dim,
          "the number of attention heads (published configs have it under this name), a divisor of the block's width");
    visit("num_attention_heads", num_attention_heads, kNotHere);
    visit("use_linear_projection", use_linear_projection,
          "whether weights around transformers are stored as linear layers, not 1 x 1 convolutions");
    visit("class_embed_type", class_embed_type, kNotHere);
    visit("addition_embed_type", addition_embed_type, kNotHere);
    visit("addition_time_embed_dim", addition_time_embed_dim, kNotHere);
    visit("num_class_embeds", num_class_embeds, kNotHere);
    visit("upcast_attention", upcast_attention, "recorded; fused attention accumulates in float32 in any case");
    visit("resnet_time_scale_shift", resnet_time_scale_shift, kNotHere);
    visit("projection_class_embeddings_input_dim", projection_class_embeddings_input_dim, kNotHere);
    visit("addition_embed_type_num_heads", addition_embed_type_num_heads, "recorded, not used by these networks");
  }

  size_t blocks() const { return block_out_channels.size(); }
  void checkPath(const OptionCheck& options) const;
  // How many tensors the way up takes from the way down.
  int64_t skips() const;
};

class ContractingPathImpl : public ModelImpl {
 protected:
  struct Rest {
    int64_t time_width;
    int64_t conv_in_kernel = 3;
    double dropout = 0;
  };

  // Registers the layers before the first block. config: checked.
  ContractingPathImpl(const char* name, const ContractingPathConfig& config, const Rest& rest);

  template <class Config>
  static const Config& checkedConfig(const char* name, const Config& config) {
    config.check(OptionCheck(name));
    return config;
  }

  void addDownBlocks(const std::shared_ptr<Named>& list);
  void addMidBlock();
  // Options of the block of this rank, counted on the way down; `in` is left to the caller.
  UNetBlockOptions blockOptions(size_t rank, bool attends) const;

  // Checks the inputs. Conditions of all blocks, without shifts.
  BlockConditions conditionsOf(const at::Tensor& sample, const at::Tensor& timestep, const at::Tensor& context);
  // x: what conv_in gave. skips: that and what every layer on the way down gave. -> the middle block's result.
  at::Tensor contract(at::Tensor x, const BlockConditions& conditions, std::vector<at::Tensor>& skips);

  const char* name_;
  Conv2d conv_in_{nullptr};

 private:
  ContractingPathConfig config_;
  Rest rest_;
  TimeEmbedding time_embedding_{nullptr};
  std::vector<UNetDownBlock> down_;
  UNetMidBlock mid_{nullptr};
};

}  // namespace eegtorch
