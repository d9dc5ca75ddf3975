#pragma once

#include "environment.h"

namespace eegtorch {

void exportWeights(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
