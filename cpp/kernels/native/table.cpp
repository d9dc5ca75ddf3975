#include "kernels/native/table.h"

#include "kernels/native/cells.h"
#include "kernels/native/columns.h"
#include "kernels/native/elementwise.h"
#include "kernels/native/products.h"

#define EEGTORCH_QUOTE(x) #x
#define EEGTORCH_NAME(x) EEGTORCH_QUOTE(x)

namespace eegtorch::kernels {

namespace {

constexpr KernelTable table = {
    EEGTORCH_NAME(EEGTORCH_ISA),
    EEGTORCH_ISA::lanes,
    EEGTORCH_ISA::rows,
    EEGTORCH_ISA::dots,
    EEGTORCH_ISA::sum,
    EEGTORCH_ISA::squares,
    EEGTORCH_ISA::elu,
    EEGTORCH_ISA::eluBackward,
    EEGTORCH_ISA::eluPool,
    EEGTORCH_ISA::eluPoolBackward,
    EEGTORCH_ISA::normaliseBackward,
    EEGTORCH_ISA::normRelu,
    EEGTORCH_ISA::normReluBackward,
    EEGTORCH_ISA::columnSums,
    EEGTORCH_ISA::normReluColumns,
    EEGTORCH_ISA::normReluBackwardColumns,
    EEGTORCH_ISA::normaliseBackwardColumns,
    EEGTORCH_ISA::dropout,
    {EEGTORCH_ISA::lstmStep, EEGTORCH_ISA::lstmStepBackward},
    {EEGTORCH_ISA::gruStep, EEGTORCH_ISA::gruStepBackward},
    {EEGTORCH_ISA::tanhStep, EEGTORCH_ISA::tanhStepBackward},
    {EEGTORCH_ISA::reluStep, EEGTORCH_ISA::reluStepBackward},
};

}  // namespace

#if EEGTORCH_LANES == 16
const KernelTable& avx512Kernels() { return table; }
#elif EEGTORCH_LANES == 8
const KernelTable& avx2Kernels() { return table; }
#else
const KernelTable& baselineKernels() { return table; }
#endif

}  // namespace eegtorch::kernels
