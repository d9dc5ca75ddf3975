// ControlNet (Zhang et al. 2023, ICCV, arXiv 2302.05543): a copy of a UNet's way down that also sees a picture of the
// wanted structure, and says what to add to each of the UNet's skips and to its middle. Reference: diffusers,
// ControlNetModel, whose tensors have these names.
#pragma once

#include "diffusion/contracting_path.h"

namespace eegtorch {

inline constexpr std::array kChannelOrders = {"rgb", "bgr"};

struct ControlNetConfig : ContractingPathConfig {
  int64_t conditioning_channels = 3;
  OneOf<kChannelOrders> controlnet_conditioning_channel_order;
  std::vector<int64_t> conditioning_embedding_out_channels = {16, 32, 96, 256};
  bool global_pool_conditions = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    pathFields(visit);
    visit("conditioning_channels", conditioning_channels, "channels of the picture of the structure");
    visit("controlnet_conditioning_channel_order", controlnet_conditioning_channel_order,
          "order of colours that the weights were trained with; pictures are given in rgb");
    visit("conditioning_embedding_out_channels", conditioning_embedding_out_channels,
          "widths of the layers before the first block; each but the first halves the picture");
    visit("global_pool_conditions", global_pool_conditions, "whether results are averaged over all pixels");
  }

  void check(const OptionCheck& options) const;
  std::vector<std::string> outputs() const;
};

// From the picture of the structure to the size and width of the first block.
class StructureEmbeddingImpl : public torch::nn::Module {
 public:
  explicit StructureEmbeddingImpl(const ControlNetConfig& config);
  at::Tensor forward(at::Tensor picture);

 private:
  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<Conv2d> blocks_;
};
TORCH_MODULE(StructureEmbedding);

class ControlNetImpl : public ContractingPathImpl {
 public:
  explicit ControlNetImpl(const ControlNetConfig& config = {});

  // sample (batch, in_channels, height, width), timestep () or (batch), encoder_hidden_states (batch, tokens,
  // cross_attention_dim), controlnet_cond (batch, conditioning_channels, factor * height, factor * width), whose
  // factor is 2 for each halving -> down_block_res_sample_i of each skip's shape, and mid_block_res_sample
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  Conv2d addZeroConv(torch::nn::Module& parent, const std::string& name, int64_t width);

  ControlNetConfig config_;
  StructureEmbedding structure_{nullptr};
  std::vector<Conv2d> results_;  // of each skip, then of the middle
};
TORCH_MODULE(ControlNet);

}  // namespace eegtorch
