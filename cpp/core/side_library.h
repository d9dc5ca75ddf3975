// Libraries that lie beside the addon and are opened when asked for: they need libraries that not every machine has.
#pragma once

#include <string>

namespace eegtorch {

// The one symbol that is wanted of a library beside the addon. Throws INVALID_OPTION for `option` where it cannot be
// opened.
void* openBeside(const std::string& file, const char* symbol, const std::string& what, const std::string& option);

}  // namespace eegtorch
