// Plain JavaScript values to C++ and back, with one clear error for a wrong kind.
#pragma once

#include <c10/util/ArrayRef.h>
#include <napi.h>

#include <string>
#include <vector>

#include "core/value.h"

namespace eegtorch {

// `what`: the argument's name for the error, such as "shape".
Napi::Array arrayOf(Napi::Value value, const char* what);
Napi::Function functionOf(Napi::Value value, const char* what);
std::string stringOf(Napi::Value value, const char* what);
double numberOf(Napi::Value value, const char* what);
bool booleanOf(Napi::Value value, const char* what);
// A number without fraction or a bigint; INVALID_OPTION otherwise.
int64_t integerOf(Napi::Value value, const char* what);
std::vector<int64_t> integersOf(Napi::Value value, const char* what);

Value valueOf(Napi::Value value);
Napi::Value fromValue(Napi::Env env, const Value& value);

// An int64 as a number, or as a bigint where a number would round it.
Napi::Value fromInteger(Napi::Env env, int64_t value);
Napi::Array fromIntegers(Napi::Env env, c10::ArrayRef<int64_t> values);
Napi::Array fromStrings(Napi::Env env, const std::vector<std::string>& values);

}  // namespace eegtorch
