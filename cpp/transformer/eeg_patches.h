// How CBraMod (Wang et al. 2025) and CSBrain (Zhou et al. 2025) turn patches of EEG into tokens: three convolutions
// over time beside the spectrum, then a position that a convolution over electrodes and patches reads off the tokens.
#pragma once

#include <torch/nn/modules/conv.h>

#include "blocks/chain.h"

namespace eegtorch {

// Lengths of a token are multiples of this: the stride of the first convolution, and its filters.
inline constexpr int64_t kPatchStride = 25;

class EegPatchesImpl : public torch::nn::Module {
 public:
  // width: samples of a patch and width of its token, a multiple of kPatchStride.
  EegPatchesImpl(int64_t width, double drop_prob);
  // eeg (batch, channels, patches, width); mask (batch, channels, patches), 1 where a patch is hidden, or undefined
  at::Tensor forward(at::Tensor eeg, const at::Tensor& mask);

 private:
  at::Tensor mask_encoding_;
  torch::nn::Conv2d position_{nullptr};
  Chain time_{nullptr}, spectrum_{nullptr};
};
TORCH_MODULE(EegPatches);

}  // namespace eegtorch
