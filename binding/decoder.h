#pragma once

#include "environment.h"

namespace eegtorch {

void exportDecoder(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
