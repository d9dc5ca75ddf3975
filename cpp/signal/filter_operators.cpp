// Filters, resampling and sample-wise changes of signals as operators of the namespace `eegtorch`. lib/signal gives
// them their public names, options and defaults.
#include <torch/library.h>

#include "signal/fir.h"
#include "signal/fourier.h"
#include "signal/moving.h"
#include "signal/polyphase.h"
#include "signal/scaling.h"
#include "signal/sections.h"

namespace eegtorch {

namespace {

using at::Tensor;

Tensor resampleOperator(const Tensor& x, int64_t before, int64_t after, int64_t length, int64_t first, int64_t count,
                        double nyquist) {
  return fourierResample(x, {before, after, length, first, count, nyquist});
}

std::tuple<Tensor, Tensor> movingOperator(const Tensor& x, double factor_new, std::optional<int64_t> init_block_size,
                                          double eps, bool scale, const std::optional<Tensor>& state) {
  return movingStandardise(x, {factor_new, init_block_size, eps, scale}, state);
}

Tensor polyphaseOperator(const Tensor& x, const Tensor& taps, int64_t up, int64_t down, int64_t shift,
                         c10::string_view pad) {
  return polyphase(x, taps, up, down, shift, std::string(pad));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def("sosfilt(Tensor x, *, float[] sos, Tensor? state=None) -> (Tensor y, Tensor state)", sosfilt);
  library.def("sosfiltfilt(Tensor x, *, float[] sos, float[] steady, int padding) -> Tensor", sosfiltfilt);
  library.def("fir_filter(Tensor x, *, Tensor taps, int shift, int reach) -> Tensor", firFilter);
  library.def("fir_causal(Tensor x, *, Tensor taps, Tensor? state=None) -> (Tensor y, Tensor state)", firCausal);
  library.def("resample(Tensor x, *, int before, int after, int length, int first, int count, float nyquist) -> Tensor",
              resampleOperator);
  library.def("resample_poly(Tensor x, *, Tensor taps, int up, int down, int shift, str pad) -> Tensor",
              polyphaseOperator);
  library.def("hilbert(Tensor x, *, int n_fft) -> Tensor", analyticSignal);
  library.def("envelope(Tensor x, *, int n_fft) -> Tensor", envelope);
  library.def("instantaneous_phase(Tensor x, *, int n_fft) -> Tensor", instantaneousPhase);
  library.def(
      "exponential_standardize(Tensor x, *, float factor_new, int? init_block_size=None, float eps, bool scale, "
      "Tensor? "
      "state=None) -> (Tensor y, Tensor state)",
      movingOperator);
  library.def("zscore(Tensor x, *, int ddof) -> Tensor", zscore);
  library.def("detrend(Tensor x, *, bool linear) -> Tensor", detrend);
}

}  // namespace eegtorch
