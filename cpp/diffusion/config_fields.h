// Kinds of options that published configs of diffusion models have beside those of core/config.h.
#pragma once

#include <cmath>

#include "core/config.h"

namespace eegtorch {

// One integer for all blocks, or a list with one for each.
struct PerBlock {
  std::vector<int64_t> values = {1};
  bool list = false;

  int64_t of(size_t block) const { return list ? values.at(block) : values[0]; }
};

// Height and width of samples, as configs record them; networks take any.
struct RecordedSize {
  Value value;
};

// Options that configs carry and whose other values these networks do not have.
struct AlwaysNull {};
struct AlwaysFalse {};

namespace detail {

template <>
struct FieldType<PerBlock> {
  static std::string type() { return "integer | integer[]"; }
  static bool read(const Value& value, PerBlock& field) {
    field.list = value.get<ValueList>() != nullptr;
    if (field.list) return FieldType<std::vector<int64_t>>::read(value, field.values);
    field.values.resize(1);
    return FieldType<int64_t>::read(value, field.values[0]);
  }
  static Value write(const PerBlock& field) {
    return field.list ? FieldType<std::vector<int64_t>>::write(field.values) : Value(field.values.at(0));
  }
};

template <>
struct FieldType<RecordedSize> {
  static std::string type() { return "integer | integer[] | null"; }
  static bool read(const Value& value, RecordedSize& field) {
    PerBlock size;
    field.value = value;
    return value.isNull() || FieldType<PerBlock>::read(value, size);
  }
  static Value write(const RecordedSize& field) { return field.value; }
};

template <>
struct FieldType<AlwaysNull> {
  static std::string type() { return "null"; }
  static bool read(const Value& value, AlwaysNull&) { return value.isNull(); }
  static Value write(const AlwaysNull&) { return nullptr; }
};

template <>
struct FieldType<AlwaysFalse> {
  static std::string type() { return "false"; }
  static bool read(const Value& value, AlwaysFalse&) { return value.get<bool>() && !*value.get<bool>(); }
  static Value write(const AlwaysFalse&) { return false; }
};

}  // namespace detail

}  // namespace eegtorch
