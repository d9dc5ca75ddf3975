#include "signal/extension.h"

#include <array>

#include "core/error.h"

namespace eegtorch {

Extension extensionFromName(const char* owner, const std::string& name) {
  static constexpr std::array<std::pair<const char*, Extension>, 6> known{{
      {"constant", Extension::kConstant},
      {"edge", Extension::kEdge},
      {"reflect", Extension::kReflect},
      {"symmetric", Extension::kSymmetric},
      {"line", Extension::kLine},
      {"reflect_limited", Extension::kOdd},
  }};
  std::string names;
  for (const auto& [each, extension] : known) {
    if (name == each) return extension;
    names += names.empty() ? each : std::string(", ") + each;
  }
  throw Error("INVALID_OPTION", std::string(owner) + ": no extension has this name", names, name, "pad");
}

}  // namespace eegtorch
