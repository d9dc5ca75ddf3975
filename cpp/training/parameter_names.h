// Choosing parameters by their names, and telling which layer each belongs to.
#pragma once

#include <string>
#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

// pattern: text with * for any run of characters.
bool matchesPattern(const std::string& pattern, const std::string& name);

// Moves the parameters that a pattern names from `rest` to the result. Each pattern must name one: INVALID_OPTION,
// which names the option, otherwise.
NamedTensors takeMatching(const std::vector<std::string>& patterns, NamedTensors& rest, const std::string& option);

// Numbers of layers from the input on, one for each parameter. A layer is a module of the network, or one of a numbered
// list of modules, that has a weight of two or more dimensions; norms and the like belong to the layer before them.
std::vector<int64_t> layersOf(const NamedTensors& parameters);

}  // namespace eegtorch
