#pragma once

#include "environment.h"

namespace eegtorch {

void exportTensorFile(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
