#include "core/value.h"

#include <sstream>

namespace eegtorch {

const Value* Value::find(const std::string& name) const {
  const auto* map = get<ValueMap>();
  if (!map) return nullptr;
  for (const auto& [key, value] : *map)
    if (key == name) return &value;
  return nullptr;
}

namespace {

struct Show {
  std::ostream& out;

  void operator()(std::nullptr_t) { out << "null"; }
  void operator()(bool v) { out << (v ? "true" : "false"); }
  void operator()(int64_t v) { out << v; }
  void operator()(double v) { out << v; }
  void operator()(const std::string& v) { out << '"' << v << '"'; }
  void operator()(const ValueList& list) {
    out << '[';
    for (size_t i = 0; i < list.size(); i++) {
      if (i) out << ", ";
      std::visit(*this, list[i].storage());
    }
    out << ']';
  }
  void operator()(const ValueMap& map) {
    out << '{';
    for (size_t i = 0; i < map.size(); i++) {
      if (i) out << ", ";
      out << map[i].first << ": ";
      std::visit(*this, map[i].second.storage());
    }
    out << '}';
  }
};

}  // namespace

std::string Value::show() const {
  std::ostringstream out;
  std::visit(Show{out}, storage_);
  return out.str();
}

}  // namespace eegtorch
