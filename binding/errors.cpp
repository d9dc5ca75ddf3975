#include "errors.h"

#include <c10/util/Exception.h>

#include <new>

namespace eegtorch {

namespace {

napi_value text(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

napi_value makeError(napi_env env, const std::string& code, const std::string& what, const std::string& expected = "",
                     const std::string& received = "", const std::string& option = "") {
  napi_value error;
  napi_create_error(env, text(env, code), text(env, what), &error);
  if (!expected.empty()) napi_set_named_property(env, error, "expected", text(env, expected));
  if (!received.empty()) napi_set_named_property(env, error, "received", text(env, received));
  if (!option.empty()) napi_set_named_property(env, error, "option", text(env, option));
  return error;
}

// LibTorch adds a C++ backtrace and hints about CUDA after the first lines.
std::string firstParagraph(const std::string& message) {
  const auto end = message.find("\nException raised from");
  return message.substr(0, end);
}

// LibTorch's allocators say how much was wanted in the middle of a long sentence.
std::string memorySentence(const std::string& message) {
  const std::string before = "tried to allocate ";
  const auto start = message.find(before);
  if (start == std::string::npos) return message;
  const auto end = message.find_first_of(".,\n", start);
  return "not enough memory: " + message.substr(start, end - start);
}

// LibTorch answers a device that an operator does not run on with pages about its dispatcher.
bool isMissingKernel(const std::string& message) { return message.rfind("Could not run '", 0) == 0; }

napi_value missingKernel(napi_env env, const std::string& message) {
  const std::string before = "from the '";
  const auto name = message.find('\'') + 1, backend = message.find(before) + before.size();
  const auto quoted = [&](size_t start) { return message.substr(start, message.find('\'', start) - start); };
  const std::string advice = quoted(backend) == "CUDA" ? "; is there a GPU? Run: npx eegtorch doctor" : "";
  return makeError(env, "DEVICE_MISMATCH", quoted(name) + " does not run on " + quoted(backend) + advice);
}

}  // namespace

napi_value errorValue(napi_env env, std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (const Error& error) {
    return makeError(env, error.code, error.what(), error.expected, error.received, error.option);
  } catch (const c10::OutOfMemoryError& error) {
    return makeError(env, "OUT_OF_MEMORY", firstParagraph(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string what = firstParagraph(error.what_without_backtrace());
    if (isMissingKernel(what)) return missingKernel(env, what);
    const bool memory = what.find("DefaultCPUAllocator: can't allocate memory") != std::string::npos;
    return memory ? makeError(env, "OUT_OF_MEMORY", memorySentence(what)) : makeError(env, "LIBTORCH", what);
  } catch (const std::bad_alloc&) {
    return makeError(env, "OUT_OF_MEMORY", "not enough memory");
  } catch (const std::exception& error) {
    return makeError(env, "LIBTORCH", firstParagraph(error.what()));
  } catch (...) {
    return makeError(env, "INTERNAL", "an unknown C++ exception");
  }
}

void throwInJavaScript(napi_env env, std::exception_ptr exception) noexcept {
  try {
    napi_throw(env, errorValue(env, exception));
  } catch (...) {
  }
}

}  // namespace eegtorch
