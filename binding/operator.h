// One overload of an operator, with how each of its arguments and results crosses the border.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <string>
#include <vector>

namespace eegtorch {

enum class Kind {
  kTensor,
  kInteger,
  kFloat,
  kBoolean,
  kScalar,
  kComplex,
  kString,
  kDtype,
  kLayout,
  kMemoryFormat,
  kDevice,
  kGenerator,
  kStream,
  kStorage,
  kList,
  kTuple,
  kUnsupported,
};

struct CrossingType {
  Kind kind = Kind::kUnsupported;
  bool optional = false;
  int32_t length = 0;                  // of a list such as int[2], which a single number may stand for
  std::vector<CrossingType> elements;  // of a list: one; of a tuple: each
  c10::TypePtr list_element;           // LibTorch's own type of a list's elements
};

struct Argument {
  std::string name;
  CrossingType type;
  bool keyword_only = false;
  std::optional<c10::IValue> default_value;
};

struct Operator {
  explicit Operator(c10::OperatorHandle handle);

  c10::OperatorHandle handle;
  std::vector<Argument> arguments;
  std::vector<CrossingType> returns;
  int out_argument = -1;       // the first that an out= variant writes to
  int returned_argument = -1;  // add_ and out= variants give back an argument itself
};

// Says how a type of a schema crosses; kUnsupported where it cannot.
CrossingType crossingType(const c10::TypePtr& real_type, const c10::TypePtr& type, std::optional<int32_t> length);

// The type as generated TypeScript and error messages name it: 'Tensor', 'int[2]', 'Dtype?'.
std::string describe(const CrossingType& type);

}  // namespace eegtorch
