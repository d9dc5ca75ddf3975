// EEGNet's head (Lawhern et al. 2018): temporal convolution, batch norm, depthwise spatial convolution. All three are
// linear once the batch's statistics are known, and those follow from the lag moments of the recording alone, so the
// electrodes are mixed first and F1 * D signals are filtered in place of F1 * n_chans. Equal to the plain order up to
// rounding.
#pragma once

#include "kernels/batch_norm.h"

namespace eegtorch::kernels {

// eeg: (batch, n_chans, samples) with `padding` zeros on each side; temporal: (F1, 1, 1, taps); spatial:
// (F1 * D, 1, n_chans, 1). Returns (batch, F1 * D, 1, samples + 2 * padding - taps + 1).
at::Tensor filterBank(const at::Tensor& eeg, const at::Tensor& temporal, torch::nn::BatchNorm2dImpl& norm,
                      const at::Tensor& spatial, int64_t padding);

// The same in the plain order, for what follows that magnifies rounding, such as a logarithm.
at::Tensor plainFilterBank(const at::Tensor& eeg, const at::Tensor& temporal, torch::nn::BatchNorm2dImpl& norm,
                           const at::Tensor& spatial, int64_t padding);

}  // namespace eegtorch::kernels
