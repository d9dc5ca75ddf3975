#include "signal/side_by_side.h"

#include "kernels/dispatch.h"

namespace eegtorch {

const kernels::SignalTable& signalTable() {
  static const kernels::SignalTable& chosen =
      kernels::chooseTable(kernels::avx512Signals, kernels::avx2Signals, kernels::baselineSignals);
  return chosen;
}

}  // namespace eegtorch
