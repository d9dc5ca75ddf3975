// Looking an entry of a table up by its name.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"

namespace eegtorch {

// The entry of that name, or UNKNOWN_NAME with the names there are. kind: for the message.
template <class Entry>
const Entry& findEntry(const std::vector<Entry>& table, const std::string& name, const std::string& kind) {
  std::string known;
  for (const auto& entry : table) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw Error("UNKNOWN_NAME", "no " + kind + " is called " + name, "one of " + known, name);
}

}  // namespace eegtorch
