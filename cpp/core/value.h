// A plain value as it comes from JavaScript or goes there: what JSON can say, with integers kept apart.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace eegtorch {

class Value;
using ValueList = std::vector<Value>;
// Ordered as written, so that a config reads back in the order of its fields.
using ValueMap = std::vector<std::pair<std::string, Value>>;

class Value {
 public:
  using Storage = std::variant<std::nullptr_t, bool, int64_t, double, std::string, ValueList, ValueMap>;

  Value() : storage_(nullptr) {}
  Value(std::nullptr_t) : storage_(nullptr) {}
  Value(bool v) : storage_(v) {}
  Value(int v) : storage_(static_cast<int64_t>(v)) {}
  Value(int64_t v) : storage_(v) {}
  Value(double v) : storage_(v) {}
  Value(const char* v) : storage_(std::string(v)) {}
  Value(std::string v) : storage_(std::move(v)) {}
  Value(ValueList v) : storage_(std::move(v)) {}
  Value(ValueMap v) : storage_(std::move(v)) {}

  bool isNull() const { return std::holds_alternative<std::nullptr_t>(storage_); }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&storage_);
  }
  const Storage& storage() const { return storage_; }

  // The member of a map, or nullptr when it is absent or this is no map.
  const Value* find(const std::string& name) const;

  // A short rendering for error messages: 3, "mean", [1, 2].
  std::string show() const;

 private:
  Storage storage_;
};

}  // namespace eegtorch
