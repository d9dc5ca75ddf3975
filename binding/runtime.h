#pragma once

#include "environment.h"

namespace eegtorch {

void exportRuntime(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
