// The known name closest to a misspelt one, for "did you mean".
#pragma once

#include <string>
#include <vector>

namespace eegtorch {

// By edit distance; names must not be empty.
std::string nearestName(const std::string& name, const std::vector<std::string>& names);

}  // namespace eegtorch
