#pragma once

#include <mutex>

#include "core/model.h"
#include "environment.h"
#include "registry.h"

namespace eegtorch {

// A network as JavaScript holds it. One call at a time uses the module: a forward on JavaScript's thread waits for one
// on the compute thread.
struct ModelHandle {
  std::shared_ptr<const RegistryEntry> entry;  // of the registry, or a network's own that was written in TypeScript
  Value config;                                // complete
  std::vector<std::string> inputs;             // "name?": may be absent
  Model module;
  std::mutex mutex;
  bool training = true;  // as JavaScript last said; each call runs in the mode of the moment it was made
};

// The network under a number that makeModel gave. Throws USED_AFTER_DISPOSE.
std::shared_ptr<ModelHandle> modelOf(Environment& environment, Napi::Value id);

// The number of a new network.
double addModel(Environment& environment, const std::shared_ptr<ModelHandle>& handle);

// Tells V8 how many bytes of the system's memory the weights take.
void noteModelBytes(Environment& environment, double id, const ModelHandle& handle);

// A device that there is, a floating-point dtype; DEVICE_MISMATCH, DTYPE_MISMATCH otherwise.
at::Device deviceOf(Napi::Value value);
at::ScalarType floatDtypeOf(Napi::Value value);

void exportModel(Environment& environment, Napi::Object exports);

}  // namespace eegtorch
