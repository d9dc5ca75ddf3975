// What surrounds the search of an independent component analysis, with the conventions of mne.preprocessing.ICA: one
// common scale for all channels, whitening by principal components, and components in order of the variance they
// explain.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Of a recording of p channels, n of whose principal components are to be unmixed.
struct IcaWhitening {
  at::Tensor white;      // (n, samples), of unit covariance
  at::Tensor mean;       // (p)
  at::Tensor scale;      // (1): standard deviation of all channels together
  at::Tensor principal;  // (p, p): principal components of the scaled recording, orthonormal rows
  at::Tensor variances;  // (p): of those
};

// x: (p, samples). components: n, from 2, or below 1 the share of the variance that the components hold at least.
// INVALID_OPTION for more components than x has independent channels.
IcaWhitening icaWhitening(const at::Tensor& x, double components);

// matrix: (n, n), unmixes whitened samples. Returns the one that unmixes principal amplitudes, its rows sorted.
at::Tensor icaUnmixing(const at::Tensor& matrix, const at::Tensor& variances);

// From channels, freed of their mean, to sources (n, p), and from sources to channels (p, n).
std::pair<at::Tensor, at::Tensor> icaMatrices(const at::Tensor& unmixing, const at::Tensor& principal,
                                              const at::Tensor& scale);

// The matrix (p, p) that keeps some components, and of the other principal components those before `principal_count`.
at::Tensor icaProjection(const at::Tensor& unmixing, const at::Tensor& principal, at::IntArrayRef keep,
                         int64_t principal_count);

}  // namespace eegtorch
