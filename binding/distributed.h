#pragma once

#include <memory>

#include "distributed/process_group.h"
#include "environment.h"

namespace eegtorch {

// The group under a number that createProcessGroup gave. Throws USED_AFTER_DISPOSE.
std::shared_ptr<ProcessGroup> processGroupOf(Environment& environment, Napi::Value id);

void exportDistributed(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
