// Every network by name. Adding one is a line in registry.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct RegistryEntry {
  std::string name;                  // file stem and oracle case name: "eegnet"
  std::string citation;              // paper or reference class, one line
  std::vector<std::string> inputs;   // "name?": may be absent; "name_*?": as many as the config says
  std::vector<std::string> outputs;  // "logits?": with some configs only; "eeg_*": eeg_0, eeg_1, … as the config says
  std::function<ConfigDescription()> describe;
  std::function<Model(const Value& config)> build;
  std::function<Value(const Value& config)> complete;  // the config with every default filled in
  std::function<std::vector<std::string>(const Value& config)> inputsOf, outputsOf;
};

const std::vector<RegistryEntry>& registry();

// Throws UNKNOWN_NAME with the nearest name.
const RegistryEntry& findModel(const std::string& name);

}  // namespace eegtorch
