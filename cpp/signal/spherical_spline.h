// Spherical splines: potentials between electrodes, and the current density beneath them (Perrin et al. 1989,
// Electroencephalography and Clinical Neurophysiology 72, with the corrections of 1990 in volume 76).
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

namespace eegtorch {

// What makes a spline: terms of its Legendre series, its stiffness (m), what is added to the diagonal (lambda).
struct SplineOptions {
  double regularization = 1e-5;
  double stiffness = 4;
  int64_t terms = 50;
};

// Weights that give potentials at `to` (points, 3) from those at `from` (electrodes, 3), both directions from the
// centre of the head: as mne's interpolate_bads makes them. -> (points, electrodes), float64 on the CPU.
at::Tensor splineWeights(const char* owner, const at::Tensor& from, const at::Tensor& to, const SplineOptions& options);

// Bad channels replaced by what the others give: mne.io.Raw.interpolate_bads(origin=...). positions (channels, 3) in
// metres or on the unit sphere, origin: the centre of the head in the same unit. x (..., channels, samples) -> as x.
at::Tensor interpolateChannels(const at::Tensor& x, const at::Tensor& positions, at::IntArrayRef bad,
                               at::ArrayRef<double> origin);

// mne.preprocessing.compute_current_source_density: volts to volts per square metre. origin and radius (metres) of the
// head, in the unit of positions (channels, 3). x (..., channels, samples) -> as x.
at::Tensor currentSourceDensity(const at::Tensor& x, const at::Tensor& positions, at::ArrayRef<double> origin,
                                double radius, const SplineOptions& options);

// Pictures of values on the scalp, seen from above with the nose up: spline between the electrodes on the azimuthal
// equidistant projection, whose rim is the equator of the head. Pixels outside are `outside`.
// x (..., channels), positions (channels, 3) -> (..., rows, columns).
at::Tensor topography(const at::Tensor& x, const at::Tensor& positions, int64_t rows, int64_t columns, double outside,
                      const SplineOptions& options);

}  // namespace eegtorch
