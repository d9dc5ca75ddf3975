// Principal components of a recording, from the eigenvectors of its covariance.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

struct PrincipalComponents {
  at::Tensor mean;        // (channels)
  at::Tensor components;  // (channels, channels), orthonormal rows, the largest variance first
  at::Tensor variances;   // (channels), of samples - 1 degrees of freedom
};

// x: (channels, samples). The sign of a component makes its largest amplitude in the recording positive, as in
// scikit-learn's and MNE's principal components.
PrincipalComponents principalComponents(const at::Tensor& x);

// The sum over samples of (x - mean) (x - mean)', shape (channels, channels); x as above.
at::Tensor scatterMatrix(const at::Tensor& x, const at::Tensor& mean);

// matrix x + offset for every sample. x: (..., channels, samples), matrix: (rows, channels), offset: (rows), or
// undefined for none. Returns (..., rows, samples).
at::Tensor spatialFilter(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& offset);

// The same of a recording (channels, samples), with each sample's rows side by side in memory: the layout of which
// Infomax takes samples at random without a copy.
at::Tensor sampleBySample(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& offset);

// SHAPE_MISMATCH, DTYPE_MISMATCH or INVALID_OPTION for what is not a finite (channels, samples) recording.
void checkRecording(const char* owner, const at::Tensor& x, const char* rows = "channels");

}  // namespace eegtorch
