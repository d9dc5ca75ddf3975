// Filters, resampling and sample-wise changes of signals as operators of the namespace `eegtorch`. lib/signal gives
// them their public names, options and defaults.
#include <torch/library.h>

#include "signal/scaling.h"

namespace eegtorch {

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def("zscore(Tensor x, *, int ddof) -> Tensor", zscore);
  library.def("detrend(Tensor x, *, bool linear) -> Tensor", detrend);
}

}  // namespace eegtorch
