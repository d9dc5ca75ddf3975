// Operations across channels and on epochs as operators of the namespace `eegtorch`. lib/signal gives them their public
// names, options and defaults.
#include <torch/library.h>

#include "signal/bad_channels.h"
#include "signal/epochs.h"
#include "signal/euclidean_alignment.h"
#include "signal/rereference.h"
#include "signal/spherical_spline.h"

namespace eegtorch {

namespace {

using at::Tensor;

Tensor densityOperator(const Tensor& x, const Tensor& positions, at::ArrayRef<double> origin, double radius,
                       double regularization, double stiffness, int64_t terms) {
  return currentSourceDensity(x, positions, origin, radius, {regularization, stiffness, terms});
}

Tensor topographyOperator(const Tensor& x, const Tensor& positions, int64_t rows, int64_t columns, double outside,
                          double regularization, double stiffness, int64_t terms) {
  return topography(x, positions, rows, columns, outside, {regularization, stiffness, terms});
}

std::tuple<Tensor, Tensor> directionsOperator(const Tensor& x, int64_t count) {
  const auto [directions, shares] = powerDirections(x, count);
  return {directions, shares};
}

std::tuple<Tensor, Tensor> alignmentOperator(const Tensor& x, std::string mode, int64_t calibration) {
  const auto [aligned, reference] = euclideanAlignment(x, mode, calibration);
  return {aligned, reference};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> qualityOperator(const Tensor& x, double sampling_rate,
                                                                           int64_t window, double flat_below) {
  const auto quality = channelQuality(x, sampling_rate, window, flat_below);
  return {quality.not_a_number, quality.flat, quality.deviation, quality.noise, quality.correlation, quality.dropout};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def("interpolate_channels(Tensor x, *, Tensor positions, int[] bad, float[] origin) -> Tensor",
              interpolateChannels);
  library.def(
      "current_source_density(Tensor x, *, Tensor positions, float[] origin, float radius, float regularization, float "
      "stiffness, int terms) -> Tensor",
      densityOperator);
  library.def(
      "topography(Tensor x, *, Tensor positions, int rows, int columns, float outside, float regularization, float "
      "stiffness, int terms) -> Tensor",
      topographyOperator);
  library.def("rereference(Tensor x, *, int[] reference) -> Tensor", rereference);
  library.def("bipolar(Tensor x, *, int[] anode, int[] cathode) -> Tensor", bipolar);
  library.def("power_directions(Tensor x, *, int count) -> (Tensor directions, Tensor shares)", directionsOperator);
  library.def("project_out(Tensor x, Tensor directions) -> Tensor", projectOut);
  library.def("euclidean_reference(Tensor x) -> Tensor", euclideanReference);
  library.def("euclidean_alignment(Tensor x, *, str mode, int calibration) -> (Tensor aligned, Tensor reference)",
              alignmentOperator);
  library.def("align_to(Tensor x, Tensor reference) -> Tensor", alignTo);
  library.def(
      "channel_quality(Tensor x, *, float sampling_rate, int window, float flat_below) -> (Tensor not_a_number, Tensor "
      "flat, Tensor deviation, Tensor noise, Tensor correlation, Tensor dropout)",
      qualityOperator);
  library.def("cut_epochs(Tensor x, *, int[] starts, int length, int baseline_from, int baseline_to) -> Tensor",
              cutEpochs);
  library.def("peak_to_peak(Tensor x) -> Tensor", peakToPeak);
  library.def("peak_to_peak_threshold(Tensor x, *, int folds) -> Tensor", peakToPeakThreshold);
}

}  // namespace eegtorch
