#include "core/config.h"

#include <algorithm>

#include "core/nearest.h"

namespace eegtorch::detail {

bool FieldType<int64_t>::read(const Value& value, int64_t& field) {
  if (const auto* integer = value.get<int64_t>()) return field = *integer, true;
  return false;
}

bool FieldType<double>::read(const Value& value, double& field) {
  if (const auto* number = value.get<double>()) return field = *number, true;
  if (const auto* integer = value.get<int64_t>()) return field = static_cast<double>(*integer), true;
  return false;
}

bool FieldType<bool>::read(const Value& value, bool& field) {
  if (const auto* boolean = value.get<bool>()) return field = *boolean, true;
  return false;
}

bool FieldType<std::string>::read(const Value& value, std::string& field) {
  if (const auto* text = value.get<std::string>()) return field = *text, true;
  return false;
}

bool FieldType<AutoLength>::read(const Value& value, AutoLength& field) {
  field.value.reset();
  if (const auto* text = value.get<std::string>()) return *text == "auto";
  return FieldType<int64_t>::read(value, field.value.emplace());
}

namespace {

std::string nearestField(const std::string& name, const ConfigDescription& fields) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field.name);
  return names.empty() ? "no options" : nearestName(name, names);
}

}  // namespace

void refuseUnknownFields(const Value& values, const ConfigDescription& fields, const std::string& owner) {
  if (values.isNull()) return;
  const auto* map = values.get<ValueMap>();
  if (!map) throw Error("INVALID_OPTION", owner + ": options are not an object", "an object", values.show());
  for (const auto& [name, value] : *map) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.name == name; });
    if (!known)
      throw Error("INVALID_OPTION",
                  owner + " has no option " + name + ". Did you mean " + nearestField(name, fields) + "?", "", "",
                  name);
  }
}

void refuseFieldType(const std::string& owner, const FieldDescription& field, const Value& received) {
  throw Error("INVALID_OPTION", owner + ": option " + field.name + " is not valid", field.type, received.show(),
              field.name);
}

}  // namespace eegtorch::detail
