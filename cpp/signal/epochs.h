// Pieces of a recording, and which of them are too large.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace eegtorch {

// Pieces of `length` samples that begin at `starts`, without their mean over the samples baseline_from .. baseline_to
// of each piece (to is excluded; none where both are equal). x (..., channels, samples) -> (..., pieces, channels,
// length).
at::Tensor cutEpochs(const at::Tensor& x, at::IntArrayRef starts, int64_t length, int64_t baseline_from,
                     int64_t baseline_to);

// Largest minus smallest sample. x (..., samples) -> (...).
at::Tensor peakToPeak(const at::Tensor& x);

// The peak-to-peak amplitude above which epochs are best left out: of all that the epochs have, the one that brings the
// mean of the epochs kept nearest to the median of those held out, over `folds` of neighbouring epochs (the global
// threshold of autoreject, Jas et al. 2017, NeuroImage 159). x (epochs, channels, samples) -> ().
at::Tensor peakToPeakThreshold(const at::Tensor& x, int64_t folds);

}  // namespace eegtorch
