// Other references, and directions taken out of the signal.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <utility>

namespace eegtorch {

// x minus the mean of its channels `reference`, all when empty: mne.set_eeg_reference. x (..., channels, samples) -> as
// x.
at::Tensor rereference(const at::Tensor& x, at::IntArrayRef reference);

// Channel anode[i] minus channel cathode[i]: mne.set_bipolar_reference. -> (..., pairs, samples).
at::Tensor bipolar(const at::Tensor& x, at::IntArrayRef anode, at::IntArrayRef cathode);

// The `count` directions that hold most of the power of x (..., channels, samples), leading dimensions added up:
// mne.compute_proj_raw (Uusitalo and Ilmoniemi 1997, Medical and Biological Engineering and Computing 35). The largest
// weight of each is positive. -> (count, channels), and the share of power of each, (count).
std::pair<at::Tensor, at::Tensor> powerDirections(const at::Tensor& x, int64_t count);

// x without what lies along `directions` (count, channels), which need not be orthogonal: signal-space projection as
// mne.io.Raw.apply_proj does it. -> as x.
at::Tensor projectOut(const at::Tensor& x, const at::Tensor& directions);

}  // namespace eegtorch
