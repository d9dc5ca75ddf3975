// Channels that do not record the brain, by the measures of PREP (Bigdely-Shamlo et al. 2015, Frontiers in
// Neuroinformatics 9:16) as pyprep computes them.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// What a recording shows of each channel. Channels with NaN, or flat ones, take no part in the other measures and stand
// at the value that flags nothing.
struct ChannelQuality {
  at::Tensor not_a_number;  // (channels) bool: holds NaN or an infinite value
  at::Tensor flat;          // (channels) bool: deviation, or median deviation from the median, below flat_below
  at::Tensor deviation;     // (channels): robust z-score of the amplitude, 0.7413 times the quartile range
  at::Tensor noise;         // (channels): robust z-score of the median deviation above 50 Hz over that below
  at::Tensor
      correlation;  // (channels, windows): 98 % quantile of |correlation| with the others below 50 Hz, 0 in drop-outs
  at::Tensor dropout;  // (channels, windows) bool: the median deviation below 50 Hz is 0, but for rounding
};

// x (channels, samples): a recording high-passed at 1 Hz. sampling_rate: hertz; up to 100 Hz nothing is filtered, and
// noise is 0. window: samples of a window of correlation. flat_below: in the unit of x.
ChannelQuality channelQuality(const at::Tensor& x, double sampling_rate, int64_t window, double flat_below);

}  // namespace eegtorch
