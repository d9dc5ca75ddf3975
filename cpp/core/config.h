// Options described once. A config struct lists its fields in `fields`; from that one list come the reader for values
// from JavaScript and checkpoints, the writer, the TypeScript types and the documentation table.
//
//   struct EegNetConfig {
//     int64_t n_chans = 22;
//     std::optional<int64_t> F2;
//     template <class Visitor> void fields(Visitor&& visit) {
//       visit("n_chans", n_chans, "EEG channels");
//       visit("F2", F2, "pointwise filters; F1 * D when null");
//     }
//   };
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/value.h"

namespace eegtorch {

// A length that "auto" leaves to the network.
struct AutoLength {
  std::optional<int64_t> value;  // empty: "auto"
};

// One of a fixed list of names, such as OneOf<kPoolModes>; a name outside the list is refused on reading.
template <const auto& Names>
struct OneOf {
  std::string value = Names[0];
};

// One field as code generators and error messages see it.
struct FieldDescription {
  std::string name, type, doc;
  Value default_value;
};
using ConfigDescription = std::vector<FieldDescription>;

namespace detail {

// type(), read() and write() of each kind of field.
template <class T>
struct FieldType;

template <>
struct FieldType<int64_t> {
  static std::string type() { return "integer"; }
  static bool read(const Value& value, int64_t& field);
  static Value write(int64_t field) { return field; }
};
template <>
struct FieldType<double> {
  static std::string type() { return "number"; }
  static bool read(const Value& value, double& field);
  static Value write(double field) { return field; }
};
template <>
struct FieldType<bool> {
  static std::string type() { return "boolean"; }
  static bool read(const Value& value, bool& field);
  static Value write(bool field) { return field; }
};
template <>
struct FieldType<std::string> {
  static std::string type() { return "string"; }
  static bool read(const Value& value, std::string& field);
  static Value write(const std::string& field) { return field; }
};
template <>
struct FieldType<AutoLength> {
  static std::string type() { return "integer | 'auto'"; }
  static bool read(const Value& value, AutoLength& field);
  static Value write(const AutoLength& field) { return field.value ? Value(*field.value) : Value("auto"); }
};
template <const auto& Names>
struct FieldType<OneOf<Names>> {
  static std::string type() {
    std::string names;
    for (const char* name : Names) names += (names.empty() ? "'" : " | '") + std::string(name) + "'";
    return names;
  }
  static bool read(const Value& value, OneOf<Names>& field) {
    const auto* text = value.get<std::string>();
    for (const char* name : Names)
      if (text && *text == name) return field.value = name, true;
    return false;
  }
  static Value write(const OneOf<Names>& field) { return field.value; }
};
template <class T>
struct FieldType<std::optional<T>> {
  static std::string type() { return FieldType<T>::type() + " | null"; }
  static bool read(const Value& value, std::optional<T>& field) {
    field.reset();
    return value.isNull() || FieldType<T>::read(value, field.emplace());
  }
  static Value write(const std::optional<T>& field) { return field ? FieldType<T>::write(*field) : Value(nullptr); }
};
template <class T>
struct FieldType<std::vector<T>> {
  static std::string type() { return FieldType<T>::type() + "[]"; }
  static bool read(const Value& value, std::vector<T>& field) {
    const auto* list = value.get<ValueList>();
    if (!list) return false;
    field.resize(list->size());
    for (size_t i = 0; i < list->size(); i++)
      if (!FieldType<T>::read((*list)[i], field[i])) return false;
    return true;
  }
  static Value write(const std::vector<T>& field) {
    ValueList list;
    for (const auto& item : field) list.push_back(FieldType<T>::write(item));
    return list;
  }
};

// Throws INVALID_OPTION for names that no field has, with the nearest one.
void refuseUnknownFields(const Value& values, const ConfigDescription& fields, const std::string& owner);
[[noreturn]] void refuseFieldType(const std::string& owner, const FieldDescription& field, const Value& received);

}  // namespace detail

template <class Config>
ConfigDescription describeConfig(Config config = {}) {
  ConfigDescription description;
  config.fields([&](const char* name, auto& field, const char* doc) {
    using Type = detail::FieldType<std::remove_reference_t<decltype(field)>>;
    description.push_back({name, Type::type(), doc, Type::write(field)});
  });
  return description;
}

// Reads a config: absent fields keep their defaults, unknown names and wrong types are refused.
// owner: the model or option group, for the message.
template <class Config>
Config readConfig(const Value& values, const std::string& owner) {
  Config config;
  detail::refuseUnknownFields(values, describeConfig(config), owner);
  config.fields([&](const char* name, auto& field, const char* doc) {
    using Type = detail::FieldType<std::remove_reference_t<decltype(field)>>;
    const Value* value = values.find(name);
    if (value && !Type::read(*value, field)) detail::refuseFieldType(owner, {name, Type::type(), doc, {}}, *value);
  });
  return config;
}

template <class Config>
Value writeConfig(Config config) {
  ValueMap map;
  config.fields([&](const char* name, auto& field, const char*) {
    map.emplace_back(name, detail::FieldType<std::remove_reference_t<decltype(field)>>::write(field));
  });
  return map;
}

}  // namespace eegtorch
