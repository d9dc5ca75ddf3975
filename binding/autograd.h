#pragma once

#include "environment.h"

namespace eegtorch {

void exportAutograd(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
