#pragma once

#include "environment.h"

namespace eegtorch {

void exportTrainer(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
