#pragma once

#include "environment.h"

namespace eegtorch {

void exportTensor(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
