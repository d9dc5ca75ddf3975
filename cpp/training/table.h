// Small helps shared by the tables of objectives and optimisers.
#pragma once

#include <ATen/core/Tensor.h>

#include <sstream>
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

inline std::string describeShape(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

}  // namespace eegtorch
