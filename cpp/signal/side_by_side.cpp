#include "signal/side_by_side.h"

#include "kernels/dispatch.h"

namespace eegtorch {

const kernels::SignalTable& signalTable() {
  static const kernels::SignalTable& chosen = kernels::table().lanes == 16  ? kernels::avx512Signals()
                                              : kernels::table().lanes == 8 ? kernels::avx2Signals()
                                                                            : kernels::baselineSignals();
  return chosen;
}

}  // namespace eegtorch
