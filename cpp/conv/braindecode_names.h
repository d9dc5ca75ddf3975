// Names of Braindecode's Deep4Net and ShallowFBCSPNet before release 1.0.
#pragma once

#include <string>
#include <unordered_map>

namespace eegtorch {

inline std::unordered_map<std::string, std::string> braindecodeOlderNames() {
  return {
      {"conv_time.weight", "conv_time_spat.conv_time.weight"},
      {"conv_time.bias", "conv_time_spat.conv_time.bias"},
      {"conv_spat.weight", "conv_time_spat.conv_spat.weight"},
      {"conv_spat.bias", "conv_time_spat.conv_spat.bias"},
      {"conv_classifier.weight", "final_layer.conv_classifier.weight"},
      {"conv_classifier.bias", "final_layer.conv_classifier.bias"},
  };
}

}  // namespace eegtorch
