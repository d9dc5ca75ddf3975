#include "training/parameter_names.h"

#include <algorithm>
#include <iterator>

#include "core/error.h"

namespace eegtorch {
namespace {

bool matches(const char* pattern, const char* name) {
  if (*pattern == '*') return matches(pattern + 1, name) || (*name && matches(pattern, name + 1));
  return *pattern == *name && (!*pattern || matches(pattern + 1, name + 1));
}

bool isNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "encoder.layers.3.norm.weight" -> "encoder.layers.3", "final_layer.conv.weight" -> "final_layer", "queries" ->
// itself.
std::string moduleOf(const std::string& name) {
  for (size_t from = 0;;) {
    const size_t dot = name.find('.', from);
    if (dot == std::string::npos || name.compare(from, dot - from, "parametrizations") == 0)
      return name.substr(0, name.find('.'));
    if (isNumber(name.substr(from, dot - from))) return name.substr(0, dot);
    from = dot + 1;
  }
}

}  // namespace

bool matchesPattern(const std::string& pattern, const std::string& name) {
  return matches(pattern.c_str(), name.c_str());
}

NamedTensors takeMatching(const std::vector<std::string>& patterns, NamedTensors& rest, const std::string& option) {
  NamedTensors taken;
  for (const auto& pattern : patterns) {
    const auto keep = std::stable_partition(
        rest.begin(), rest.end(), [&](const auto& parameter) { return !matchesPattern(pattern, parameter.first); });
    if (keep == rest.end())
      throw Error("INVALID_OPTION", option + ": no parameter is called " + pattern,
                  "a name of this network that nothing before took", pattern, option);
    std::move(keep, rest.end(), std::back_inserter(taken));
    rest.erase(keep, rest.end());
  }
  return taken;
}

std::vector<int64_t> layersOf(const NamedTensors& parameters) {
  std::vector<std::string> modules;
  std::vector<bool> weighty;  // whether the module has a weight of two or more dimensions
  std::vector<size_t> module;
  for (const auto& [name, parameter] : parameters) {
    const std::string own = moduleOf(name);
    const size_t at = std::find(modules.begin(), modules.end(), own) - modules.begin();
    if (at == modules.size()) {
      modules.push_back(own);
      weighty.push_back(false);
    }
    weighty[at] = weighty[at] || parameter.dim() > 1;
    module.push_back(at);
  }
  std::vector<int64_t> layer;  // of each module
  for (size_t i = 0; i < modules.size(); i++)
    layer.push_back(i == 0 ? 0
                           : layer.back() + (weighty[i] && std::find(weighty.begin(), weighty.begin() + i, true) !=
                                                               weighty.begin() + i));
  std::vector<int64_t> layers;
  for (const size_t at : module) layers.push_back(layer[at]);
  return layers;
}

}  // namespace eegtorch
