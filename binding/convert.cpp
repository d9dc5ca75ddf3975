#include "convert.h"

#include <cmath>

#include "core/error.h"

namespace eegtorch {

namespace {

constexpr double kLargestSafeInteger = 9007199254740991.0;

const char* kindOf(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return "a number";
    case napi_string:
      return "a string";
    case napi_bigint:
      return "a bigint";
    case napi_function:
      return "a function";
    default:
      return "an object";
  }
}

[[noreturn]] void refuse(const char* what, const char* expected, Napi::Value received) {
  throw Error("INVALID_OPTION", std::string(what) + " has the wrong type", expected, kindOf(received));
}

bool isInteger(double number) { return std::trunc(number) == number && std::abs(number) <= kLargestSafeInteger; }

}  // namespace

Napi::Array arrayOf(Napi::Value value, const char* what) {
  if (!value.IsArray()) refuse(what, "a list", value);
  return value.As<Napi::Array>();
}

Napi::Function functionOf(Napi::Value value, const char* what) {
  if (!value.IsFunction()) refuse(what, "a function", value);
  return value.As<Napi::Function>();
}

std::string stringOf(Napi::Value value, const char* what) {
  if (!value.IsString()) refuse(what, "a string", value);
  return value.As<Napi::String>();
}

double numberOf(Napi::Value value, const char* what) {
  if (!value.IsNumber()) refuse(what, "a number", value);
  return value.As<Napi::Number>();
}

bool booleanOf(Napi::Value value, const char* what) {
  if (!value.IsBoolean()) refuse(what, "a boolean", value);
  return value.As<Napi::Boolean>();
}

int64_t integerOf(Napi::Value value, const char* what) {
  if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t result = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) refuse(what, "an integer of 64 bits", value);
    return result;
  }
  const double number = numberOf(value, what);
  if (!isInteger(number))
    throw Error("INVALID_OPTION", std::string(what) + " has the wrong type", "an integer", Value(number).show());
  return static_cast<int64_t>(number);
}

std::vector<int64_t> integersOf(Napi::Value value, const char* what) {
  const auto list = arrayOf(value, what);
  std::vector<int64_t> result(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) result[i] = integerOf(list.Get(i), what);
  return result;
}

Value valueOf(Napi::Value value) {
  if (value.IsNull() || value.IsUndefined()) return nullptr;
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsBigInt()) return integerOf(value, "a bigint");
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>();
    return isInteger(number) ? Value(static_cast<int64_t>(number)) : Value(number);
  }
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (value.IsArray()) {
    const auto array = value.As<Napi::Array>();
    ValueList list;
    for (uint32_t i = 0; i < array.Length(); i++) list.push_back(valueOf(array.Get(i)));
    return list;
  }
  if (!value.IsObject() || value.IsFunction()) refuse("an option", "a plain value", value);
  const auto object = value.As<Napi::Object>();
  const auto names = object.GetPropertyNames();
  ValueMap map;
  for (uint32_t i = 0; i < names.Length(); i++) {
    const Napi::Value name = names.Get(i);
    map.emplace_back(name.ToString().Utf8Value(), valueOf(object.Get(name)));
  }
  return map;
}

namespace {

struct ToJavaScript {
  Napi::Env env;

  Napi::Value operator()(std::nullptr_t) { return env.Null(); }
  Napi::Value operator()(bool value) { return Napi::Boolean::New(env, value); }
  Napi::Value operator()(int64_t value) { return fromInteger(env, value); }
  Napi::Value operator()(double value) { return Napi::Number::New(env, value); }
  Napi::Value operator()(const std::string& value) { return Napi::String::New(env, value); }
  Napi::Value operator()(const ValueList& list) {
    auto array = Napi::Array::New(env, list.size());
    for (uint32_t i = 0; i < list.size(); i++) array.Set(i, fromValue(env, list[i]));
    return array;
  }
  Napi::Value operator()(const ValueMap& map) {
    auto object = Napi::Object::New(env);
    for (const auto& [name, value] : map) object.Set(name, fromValue(env, value));
    return object;
  }
};

}  // namespace

Napi::Value fromValue(Napi::Env env, const Value& value) { return std::visit(ToJavaScript{env}, value.storage()); }

Napi::Value fromInteger(Napi::Env env, int64_t value) {
  if (std::abs(static_cast<double>(value)) <= kLargestSafeInteger)
    return Napi::Number::New(env, static_cast<double>(value));
  return Napi::BigInt::New(env, value);
}

Napi::Array fromIntegers(Napi::Env env, c10::ArrayRef<int64_t> values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, fromInteger(env, values[i]));
  return array;
}

Napi::Array fromStrings(Napi::Env env, const std::vector<std::string>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, values[i]);
  return array;
}

}  // namespace eegtorch
