// LMDB environments to write, and stores of windows to read batches from.
#pragma once

#include "environment.h"

namespace eegtorch {

void exportStore(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
