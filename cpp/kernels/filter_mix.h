// ConvNet's head: temporal convolution, batch norm, ELU, then a convolution over all electrodes and filters. What lies
// between, n_filters * n_chans signals, is made in tiles that stay in the cache and made again in backward, in place of
// being stored; batch norm's statistics come from the lag moments of the recording.
#pragma once

#include "kernels/batch_norm.h"

namespace eegtorch::kernels {

struct FilterMixWeights {
  at::Tensor temporal, temporal_bias;  // (F, 1, 1, taps), (F)
  at::Tensor spatial, spatial_bias;    // (G, F, n_chans, 1), (G)
};

// eeg: (batch, n_chans, samples) -> (batch, G, 1, samples - taps + 1).
at::Tensor filterMix(const at::Tensor& eeg, const FilterMixWeights& weights, torch::nn::BatchNorm2dImpl& norm);

}  // namespace eegtorch::kernels
