#pragma once

#include "environment.h"

namespace eegtorch {

void exportOperators(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
