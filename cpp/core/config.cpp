#include "core/config.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

size_t editDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); j++) {
      const size_t substitute = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitute});
    }
  }
  return row.back();
}

std::string nearest(const std::string& name, const ConfigDescription& fields) {
  const auto closest = std::min_element(fields.begin(), fields.end(), [&](const auto& a, const auto& b) {
    return editDistance(name, a.name) < editDistance(name, b.name);
  });
  return closest == fields.end() ? "no options" : closest->name;
}

}  // namespace

void refuseUnknownFields(const Value& values, const ConfigDescription& fields, const std::string& owner) {
  if (values.isNull()) return;
  const auto* map = values.get<ValueMap>();
  if (!map) throw Error("INVALID_OPTION", owner + ": options are not an object", "an object", values.show());
  for (const auto& [name, value] : *map) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.name == name; });
    if (!known)
      throw Error("INVALID_OPTION", owner + " has no option " + name + ". Did you mean " + nearest(name, fields) + "?");
  }
}

void refuseFieldType(const std::string& owner, const FieldDescription& field, const Value& received) {
  throw Error("INVALID_OPTION", owner + ": option " + field.name + " has the wrong type", field.type, received.show());
}

}  // namespace eegtorch::detail
