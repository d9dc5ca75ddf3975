#pragma once

#include "environment.h"

namespace eegtorch {

void exportRecording(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
