// Every ATen operator through one door: looked up by schema, resolved once, called boxed.
#include "operators.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <map>

#include "convert.h"
#include "core/dtype.h"
#include "errors.h"

namespace eegtorch {

namespace {

// N-API fills what is not given with undefined: few places for the many short calls, enough for every schema.
constexpr size_t kFewArguments = 6, kMostArguments = 64;
constexpr const char* kGenerator = "Generator";

[[noreturn]] void refuse(const Operator& op, const Argument& argument, const std::string& received) {
  throw Error("INVALID_OPTION",
              c10::toString(op.handle.operator_name()) + ": argument " + argument.name + " has the wrong type",
              describe(argument.type), received);
}

// Type errors carry the operator's and the argument's name, which only the caller knows.
class Reader {
 public:
  Reader(Environment& environment, const Operator& op) : environment_(environment), env_(environment.env()), op_(op) {}

  void push(torch::jit::Stack& stack, const Argument& argument, napi_value value) {
    if (value && argument.type.kind == Kind::kTensor) {  // the common case, without a look at the type first
      double id;
      if (napi_get_value_double(env_, value, &id) == napi_ok) {
        stack.emplace_back(environment_.table.get(id));
        return;
      }
    }
    napi_valuetype type = napi_undefined;
    if (value) napi_typeof(env_, value, &type);
    if (type == napi_undefined && argument.default_value) {
      stack.push_back(*argument.default_value);
    } else if (type == napi_undefined && !argument.type.optional) {
      throw Error("INVALID_OPTION",
                  c10::toString(op_.handle.operator_name()) + ": argument " + argument.name + " is missing",
                  describe(argument.type), "nothing");
    } else {
      argument_ = &argument;
      stack.push_back(read(argument.type, value, type));
    }
  }

 private:
  c10::IValue read(const CrossingType& type, napi_value value, napi_valuetype js) {
    if (js == napi_undefined || js == napi_null) {
      if (type.optional) return {};
      refuse(op_, *argument_, "null");
    }
    switch (type.kind) {
      case Kind::kTensor:
        return tensor(value, js);
      case Kind::kInteger:
        return integerOf({env_, value}, argument_->name.c_str());
      case Kind::kFloat:
        return numberOf({env_, value}, argument_->name.c_str());
      case Kind::kBoolean:
        return booleanOf({env_, value}, argument_->name.c_str());
      case Kind::kScalar:
        return scalar(value, js);
      case Kind::kComplex:
        return complex(value);
      case Kind::kString:
        return stringOf({env_, value}, argument_->name.c_str());
      case Kind::kDtype:
        return dtypeFromName(stringOf({env_, value}, argument_->name.c_str()));
      case Kind::kLayout:
        return layoutFromName(stringOf({env_, value}, argument_->name.c_str()));
      case Kind::kMemoryFormat:
        return memoryFormatFromName(stringOf({env_, value}, argument_->name.c_str()));
      case Kind::kDevice:
        return deviceFromName(stringOf({env_, value}, argument_->name.c_str()));
      case Kind::kGenerator:
        return generator(value);
      case Kind::kList:
        return list(type, value);
      default:
        refuse(op_, *argument_, "a value that cannot be passed");
    }
  }

  c10::IValue tensor(napi_value value, napi_valuetype js) {
    if (js != napi_number) refuse(op_, *argument_, "no tensor");
    double id;
    napi_get_value_double(env_, value, &id);
    return environment_.table.get(id);
  }

  // 2 is an integer and 2.5 is not: JavaScript does not tell 2 from 2.0.
  c10::IValue scalar(napi_value value, napi_valuetype js) {
    if (js == napi_boolean) return booleanOf({env_, value}, argument_->name.c_str());
    if (js == napi_bigint) return integerOf({env_, value}, argument_->name.c_str());
    if (js == napi_object) return complex(value);
    const double number = numberOf({env_, value}, argument_->name.c_str());
    const auto integer = static_cast<int64_t>(std::abs(number) < 9007199254740992.0 ? number : 0);
    if (static_cast<double>(integer) == number && !(number == 0 && std::signbit(number))) return integer;
    return number;
  }

  c10::IValue complex(napi_value value) {
    const Napi::Value wrapped(env_, value);
    if (!wrapped.IsObject()) return c10::complex<double>(numberOf(wrapped, argument_->name.c_str()), 0);
    const auto object = wrapped.As<Napi::Object>();
    return c10::complex<double>(numberOf(object.Get("re"), "re"), numberOf(object.Get("im"), "im"));
  }

  c10::IValue generator(napi_value value) {
    const auto object = environment_.object(numberOf({env_, value}, "a generator"), kGenerator);
    return *std::static_pointer_cast<at::Generator>(object);
  }

  c10::IValue list(const CrossingType& type, napi_value value) {
    const CrossingType& element = type.elements[0];
    c10::impl::GenericList result(type.list_element);
    bool is_array = false;
    napi_is_array(env_, value, &is_array);
    if (!is_array && type.length > 0) {
      napi_valuetype js;
      napi_typeof(env_, value, &js);
      const auto single = read(element, value, js);
      for (int32_t i = 0; i < type.length; i++) result.push_back(single);
      return result;
    }
    const auto array = arrayOf({env_, value}, argument_->name.c_str());
    const uint32_t length = array.Length();
    result.reserve(length);
    for (uint32_t i = 0; i < length; i++) {
      const Napi::Value item = array.Get(i);
      result.push_back(read(element, item, item.Type()));
    }
    return result;
  }

  Environment& environment_;
  napi_env env_;
  const Operator& op_;
  const Argument* argument_ = nullptr;
};

napi_value toJavaScript(Environment& environment, const c10::IValue& value) {
  const Napi::Env env = environment.env();
  if (value.isTensor()) return environment.wrap(value.toTensor());
  if (value.isNone()) return env.Null();
  if (value.isInt() || value.isSymInt()) return fromInteger(env, value.toInt());
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isString()) return Napi::String::New(env, value.toStringRef());
  if (value.isDevice()) return Napi::String::New(env, value.toDevice().str());
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    auto object = Napi::Object::New(env);
    object.Set("re", number.real());
    object.Set("im", number.imag());
    return object;
  }
  if (value.isList() || value.isTuple()) {
    const auto items = value.isList() ? value.toListRef().vec() : value.toTupleRef().elements().vec();
    auto array = Napi::Array::New(env, items.size());
    for (uint32_t i = 0; i < items.size(); i++) array.Set(i, toJavaScript(environment, items[i]));
    return array;
  }
  throw Error("LIBTORCH", "a result of type " + value.tagKind() + " cannot be given to JavaScript");
}

// One result as itself, several as a list; a result that is an argument is left to the caller, who holds it.
napi_value results(Environment& environment, const Operator& op, torch::jit::Stack& stack) {
  if (op.returned_argument >= 0 || stack.empty()) return nullptr;
  if (stack.size() == 1 && stack[0].isTensor()) return environment.wrap(std::move(stack[0]).toTensor());
  if (stack.size() == 1) return toJavaScript(environment, stack[0]);
  auto array = Napi::Array::New(environment.env(), stack.size());
  for (uint32_t i = 0; i < stack.size(); i++) array.Set(i, toJavaScript(environment, stack[i]));
  return array;
}

const Operator& operatorAt(Environment& environment, napi_value index) {
  uint32_t number = 0;
  if (napi_get_value_uint32(environment.env(), index, &number) != napi_ok || number >= environment.operators.size())
    throw Error("INTERNAL", "no operator has this index");
  return environment.operators[number];
}

// Kernels write through the pointer of an `out` tensor without asking whether it has memory, and read a meta tensor's.
void refuseMixedMeta(const Operator& op, const torch::jit::Stack& stack) {
  const auto& out = stack[op.out_argument];
  if (!out.isTensor() || !out.toTensor().defined()) return;
  const bool meta = out.toTensor().is_meta();
  for (const auto& value : stack) {
    if (!value.isTensor() || !value.toTensor().defined() || value.toTensor().is_meta() == meta) continue;
    throw Error("DEVICE_MISMATCH",
                c10::toString(op.handle.operator_name()) + ": out and the other tensors must be on one device",
                out.toTensor().device().str(), value.toTensor().device().str());
  }
}

void readArguments(Environment& environment, const Operator& op, torch::jit::Stack& stack, napi_value* values,
                   size_t count) {
  Reader reader(environment, op);
  const size_t wanted = op.arguments.size();
  if (count > wanted)
    throw Error("INVALID_OPTION", c10::toString(op.handle.operator_name()) + " was given too many arguments",
                std::to_string(wanted), std::to_string(count));
  stack.reserve(wanted);
  for (size_t i = 0; i < wanted; i++) reader.push(stack, op.arguments[i], i < count ? values[i] : nullptr);
  if (op.out_argument >= 0) refuseMixedMeta(op, stack);
}

void callRecorded(Environment& environment, const Operator& op, torch::jit::Stack& stack) {
  const torch::jit::Stack arguments = stack;
  op.handle.callBoxed(stack);
  environment.recorder->note([handle = op.handle](torch::jit::Stack& again) { handle.callBoxed(again); }, arguments,
                             stack);
}

// call(operator, ...arguments)
napi_value Call(napi_env env, napi_callback_info info) {
  size_t count = kFewArguments;
  napi_value values[kMostArguments];
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  if (count > kFewArguments) {
    count = kMostArguments;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  auto& environment = *static_cast<Environment*>(data);
  return guarded(env, [&]() -> napi_value {
    const Operator& op = operatorAt(environment, values[0]);
    torch::jit::Stack stack;
    readArguments(environment, op, stack, values + 1, count - 1);
    if (environment.recorder)
      callRecorded(environment, op, stack);
    else
      op.handle.callBoxed(stack);
    return results(environment, op, stack);
  });
}

// callAsync(operator, arguments, cancellation | undefined): the same on the compute thread.
Napi::Value CallAsync(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("call an operator asynchronously");
  const Operator& op = operatorAt(environment, info[0]);
  const auto list = arrayOf(info[1], "arguments");
  std::vector<napi_value> values;
  for (uint32_t i = 0; i < list.Length(); i++) values.push_back(list.Get(i));
  auto stack = std::make_shared<torch::jit::Stack>();
  readArguments(environment, op, *stack, values.data(), values.size());
  const auto handle = op.handle;
  const auto index = numberOf(info[0], "operator");
  return environment.runAsync(
      [&environment, handle, stack, index](const Cancellation&) -> Environment::Finish {
        handle.callBoxed(*stack);
        return [&environment, stack, index](Napi::Env env) -> Napi::Value {
          const napi_value value = results(environment, environment.operators[static_cast<size_t>(index)], *stack);
          return value ? Napi::Value(env, value) : env.Undefined();
        };
      },
      environment.cancellation(info[2]));
}

// Overload names of each aten operator, the order of the registry kept.
const std::map<std::string, std::vector<std::string>>& overloadNames() {
  static const auto* names = [] {
    auto* result = new std::map<std::string, std::vector<std::string>>();
    for (const auto& name : c10::Dispatcher::singleton().getAllOpNames())
      if (c10::Dispatcher::singleton().findSchema(name)) (*result)[name.name].push_back(name.overload_name);
    return result;
  }();
  return *names;
}

Napi::Value DescribeArgument(Napi::Env env, const Argument& argument) {
  auto result = Napi::Object::New(env);
  result.Set("name", argument.name);
  result.Set("type", describe(argument.type));
  result.Set("keywordOnly", argument.keyword_only);
  result.Set("hasDefault", argument.default_value.has_value());
  return result;
}

Napi::Value DescribeOperator(Napi::Env env, const Operator& op, double index) {
  auto result = Napi::Object::New(env);
  result.Set("index", index);
  result.Set("overload", op.handle.operator_name().overload_name);
  result.Set("schema", c10::toString(op.handle.schema()));
  auto arguments = Napi::Array::New(env, op.arguments.size());
  for (uint32_t i = 0; i < op.arguments.size(); i++) arguments.Set(i, DescribeArgument(env, op.arguments[i]));
  result.Set("arguments", arguments);
  auto returns = Napi::Array::New(env, op.returns.size());
  for (uint32_t i = 0; i < op.returns.size(); i++) returns.Set(i, describe(op.returns[i]));
  result.Set("returns", returns);
  auto names = Napi::Array::New(env);
  for (const auto& value : op.handle.schema().returns()) names.Set(names.Length(), value.name());
  result.Set("returnNames", names);
  result.Set("returnedArgument", op.returned_argument);
  return result;
}

// overloads('aten::add'): each overload resolved, with its index for call(); an empty list for an unknown name.
Napi::Value Overloads(Environment& environment, const Napi::CallbackInfo& info) {
  const std::string name = stringOf(info[0], "operator");
  auto result = Napi::Array::New(info.Env());
  const auto found = overloadNames().find(name);
  if (found == overloadNames().end()) return result;
  for (const auto& overload : found->second) {
    environment.operators.emplace_back(*c10::Dispatcher::singleton().findSchema({name, overload}));
    const auto index = static_cast<double>(environment.operators.size() - 1);
    result.Set(result.Length(), DescribeOperator(info.Env(), environment.operators.back(), index));
  }
  return result;
}

// operatorNames(): all names with a namespace, such as 'aten::add'.
Napi::Value OperatorNames(Environment&, const Napi::CallbackInfo& info) {
  auto result = Napi::Array::New(info.Env());
  for (const auto& entry : overloadNames()) result.Set(result.Length(), entry.first);
  return result;
}

// makeGenerator(seed): a random number generator of its own, on the CPU.
Napi::Value MakeGenerator(Environment& environment, const Napi::CallbackInfo& info) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(integerOf(info[0], "seed")));
  return Napi::Number::New(info.Env(), environment.addObject(std::make_shared<at::Generator>(generator), kGenerator));
}

}  // namespace

void exportOperators(Environment& environment, Napi::Object exports) {
  napi_value call;
  napi_create_function(exports.Env(), "call", NAPI_AUTO_LENGTH, Call, &environment, &call);
  exports.Set("call", Napi::Value(exports.Env(), call));
  exports.Set("callAsync", Napi::Function::New<callback<CallAsync>>(exports.Env()));
  exports.Set("overloads", Napi::Function::New<callback<Overloads>>(exports.Env()));
  exports.Set("operatorNames", Napi::Function::New<callback<OperatorNames>>(exports.Env()));
  exports.Set("makeGenerator", Napi::Function::New<callback<MakeGenerator>>(exports.Env()));
}

}  // namespace eegtorch
