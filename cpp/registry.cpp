#include "registry.h"

namespace eegtorch {

const std::vector<RegistryEntry>& registry() {
  static const std::vector<RegistryEntry> entries = {};
  return entries;
}

const RegistryEntry& findModel(const std::string& name) {
  for (const auto& entry : registry())
    if (entry.name == name) return entry;
  throw Error("UNKNOWN_NAME", "no model is called " + name);
}

}  // namespace eegtorch
