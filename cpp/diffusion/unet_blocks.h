// The three kinds of blocks of a diffusion UNet: down, middle and up (Ho et al. 2020, NeurIPS, arXiv 2006.11239).
// Reference: diffusers, DownBlock2D, CrossAttnDownBlock2D, UNetMidBlock2DCrossAttn, UpBlock2D and CrossAttnUpBlock2D,
// whose tensors have these names.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "diffusion/resample.h"
#include "diffusion/residual_block.h"
#include "diffusion/spatial_transformer.h"

namespace eegtorch {

// What every block of one pass is told.
struct BlockConditions {
  at::Tensor time;                       // (batch, time width) after SiLU
  at::Tensor context;                    // (batch, tokens, context width)
  std::map<int64_t, at::Tensor> shifts;  // by width: (batch, width), added inside the residual blocks of that width

  at::Tensor shiftOf(int64_t width) const;
};

struct UNetBlockOptions {
  int64_t in, out;  // channels
  int64_t layers;
  int64_t time, groups;
  double eps, dropout;
  bool attends;
  SpatialTransformerOptions attention;  // of `out` channels
  bool resamples;                       // every block but the last
  int64_t downsample_padding = 1;
  double divisor = 1;  // of the sums in residual blocks
};

// Residual blocks and, where a block attends, what follows each of them.
class UNetBlockImpl : public torch::nn::Module {
 protected:
  // inputs: channels that each residual block receives. transformers: how many of them attend, from the first.
  void addLayers(const UNetBlockOptions& options, const std::vector<int64_t>& inputs, int64_t transformers);
  at::Tensor residual(size_t layer, const at::Tensor& x, const BlockConditions& conditions);
  at::Tensor attended(size_t layer, const at::Tensor& x, const BlockConditions& conditions);

  std::vector<ResidualBlock> resnets_;
  std::vector<SpatialTransformer> attentions_;

 private:
  int64_t width_ = 0;
};

class UNetDownBlockImpl : public UNetBlockImpl {
 public:
  explicit UNetDownBlockImpl(const UNetBlockOptions& options);
  // x (batch, in, height, width) -> (batch, out, height / 2, width / 2), of the last block not halved. skips receives
  // what each layer and the halving gave.
  at::Tensor forward(at::Tensor x, const BlockConditions& conditions, std::vector<at::Tensor>& skips);

 private:
  Downsample downsampler_{nullptr};
};
TORCH_MODULE(UNetDownBlock);

class UNetMidBlockImpl : public UNetBlockImpl {
 public:
  explicit UNetMidBlockImpl(const UNetBlockOptions& options);
  at::Tensor forward(const at::Tensor& x, const BlockConditions& conditions);  // likewise
};
TORCH_MODULE(UNetMidBlock);

class UNetUpBlockImpl : public UNetBlockImpl {
 public:
  // skip_inputs: channels of what the layers take from the way down, the first layer's first.
  UNetUpBlockImpl(const UNetBlockOptions& options, const std::vector<int64_t>& skip_inputs);
  // Takes one skip for each layer from the end of skips. The result has the size of the next skip, if one is left.
  at::Tensor forward(at::Tensor x, const BlockConditions& conditions, std::vector<at::Tensor>& skips);

 private:
  Upsample upsampler_{nullptr};
};
TORCH_MODULE(UNetUpBlock);

}  // namespace eegtorch
