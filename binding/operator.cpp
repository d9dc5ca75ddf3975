#include "operator.h"

namespace eegtorch {

namespace {

Kind simpleKind(c10::TypeKind kind) {
  switch (kind) {
    case c10::TypeKind::TensorType:
      return Kind::kTensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::QSchemeType:
      return Kind::kInteger;
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      return Kind::kFloat;
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      return Kind::kBoolean;
    case c10::TypeKind::NumberType:
      return Kind::kScalar;
    case c10::TypeKind::ComplexType:
      return Kind::kComplex;
    case c10::TypeKind::StringType:
      return Kind::kString;
    case c10::TypeKind::ScalarTypeType:
      return Kind::kDtype;
    case c10::TypeKind::LayoutType:
      return Kind::kLayout;
    case c10::TypeKind::MemoryFormatType:
      return Kind::kMemoryFormat;
    case c10::TypeKind::DeviceObjType:
      return Kind::kDevice;
    case c10::TypeKind::GeneratorType:
      return Kind::kGenerator;
    case c10::TypeKind::StreamObjType:
      return Kind::kStream;
    case c10::TypeKind::StorageType:
      return Kind::kStorage;
    default:
      return Kind::kUnsupported;
  }
}

const char* simpleName(Kind kind) {
  switch (kind) {
    case Kind::kTensor:
      return "Tensor";
    case Kind::kInteger:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kBoolean:
      return "bool";
    case Kind::kScalar:
      return "Scalar";
    case Kind::kComplex:
      return "complex";
    case Kind::kString:
      return "str";
    case Kind::kDtype:
      return "Dtype";
    case Kind::kLayout:
      return "Layout";
    case Kind::kMemoryFormat:
      return "MemoryFormat";
    case Kind::kDevice:
      return "Device";
    case Kind::kGenerator:
      return "Generator";
    case Kind::kStream:
      return "Stream";
    case Kind::kStorage:
      return "Storage";
    default:
      return "unsupported";
  }
}

bool supported(const CrossingType& type) {
  for (const auto& element : type.elements)
    if (!supported(element)) return false;
  return type.kind != Kind::kUnsupported;
}

// The argument that an in-place or out= overload gives back, or -1.
int findReturnedArgument(const c10::FunctionSchema& schema) {
  if (schema.returns().size() != 1) return -1;
  const auto* alias = schema.returns()[0].alias_info();
  if (!alias || !alias->isWrite()) return -1;
  for (size_t i = 0; i < schema.arguments().size(); i++) {
    const auto* argument = schema.arguments()[i].alias_info();
    if (argument && argument->isWrite() && argument->beforeSets() == alias->beforeSets()) return static_cast<int>(i);
  }
  return -1;
}

int findOutArgument(const c10::FunctionSchema& schema) {
  for (size_t i = 0; i < schema.arguments().size(); i++) {
    const auto& argument = schema.arguments()[i];
    if (argument.kwarg_only() && argument.alias_info() && argument.alias_info()->isWrite()) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

CrossingType crossingType(const c10::TypePtr& real_type, const c10::TypePtr& type, std::optional<int32_t> length) {
  CrossingType result;
  if (const auto optional = real_type->cast<c10::OptionalType>()) {
    const auto plain = type->cast<c10::OptionalType>();
    result = crossingType(optional->getElementType(), plain ? plain->getElementType() : type, length);
    result.optional = true;
    return result;
  }
  if (const auto list = real_type->cast<c10::ListType>()) {
    const auto plain = type->cast<c10::ListType>();
    const auto element = plain ? plain->getElementType() : list->getElementType();
    result.elements.push_back(crossingType(list->getElementType(), element, std::nullopt));
    result.list_element = element;
    result.length = length.value_or(0);
    result.kind = supported(result.elements[0]) ? Kind::kList : Kind::kUnsupported;
    return result;
  }
  if (const auto tuple = real_type->cast<c10::TupleType>()) {
    result.kind = Kind::kTuple;
    for (const auto& element : tuple->elements())
      result.elements.push_back(crossingType(element, element, std::nullopt));
    if (!supported(result)) result.kind = Kind::kUnsupported;
    return result;
  }
  result.kind = simpleKind(real_type->kind());
  return result;
}

std::string describe(const CrossingType& type) {
  std::string name;
  if (type.kind == Kind::kList) {
    const auto& element = type.elements[0];
    name = describe(element) + (type.length ? "[" + std::to_string(type.length) + "]" : "[]");
  } else if (type.kind == Kind::kTuple) {
    for (const auto& element : type.elements) name += (name.empty() ? "(" : ", ") + describe(element);
    name += ")";
  } else {
    name = simpleName(type.kind);
  }
  return type.optional ? name + "?" : name;
}

Operator::Operator(c10::OperatorHandle handle) : handle(handle) {
  const auto& schema = handle.schema();
  for (const auto& argument : schema.arguments()) {
    arguments.push_back({argument.name(), crossingType(argument.real_type(), argument.type(), argument.N()),
                         argument.kwarg_only(), argument.default_value()});
  }
  for (const auto& result : schema.returns())
    returns.push_back(crossingType(result.real_type(), result.type(), std::nullopt));
  out_argument = findOutArgument(schema);
  returned_argument = findReturnedArgument(schema);
}

}  // namespace eegtorch
