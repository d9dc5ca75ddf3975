// One time step of each kind of recurrent layer. Meanings are in table.h.
#pragma once

#include "kernels/native/simd.h"
#include "kernels/native/table.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

void lstmStep(const CellStep& step);
void lstmStepBackward(const CellStepBackward& step);
void gruStep(const CellStep& step);
void gruStepBackward(const CellStepBackward& step);
void tanhStep(const CellStep& step);
void tanhStepBackward(const CellStepBackward& step);
void reluStep(const CellStep& step);
void reluStepBackward(const CellStepBackward& step);

}  // namespace eegtorch::kernels::EEGTORCH_ISA
