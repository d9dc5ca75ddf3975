// The one place where C++ exceptions become JavaScript errors. lib/native.ts makes an EegTorchError of each.
#pragma once

#include <napi.h>

#include <exception>

#include "core/error.h"

namespace eegtorch {

// An Error with `code`, `expected` and `received`.
napi_value errorValue(napi_env env, std::exception_ptr exception);

// Throws it in JavaScript, but in a worker that is being ended: there no error can be made or thrown, and nobody would
// see it.
void throwInJavaScript(napi_env env, std::exception_ptr exception) noexcept;

// Runs a body; what it throws is thrown in JavaScript.
template <class Body>
napi_value guarded(napi_env env, Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    throwInJavaScript(env, std::current_exception());
    return nullptr;
  }
}

// Keeps a promise with what a body gives, or breaks it with what it throws. While a worker is being ended neither can
// be: then nobody waits.
template <class Body>
void settle(const Napi::Promise::Deferred& deferred, Body&& body) noexcept {
  try {
    try {
      deferred.Resolve(body());
    } catch (...) {
      deferred.Reject(errorValue(deferred.Env(), std::current_exception()));
    }
  } catch (...) {
  }
}

// Makes a callback of a function (Environment&, const Napi::CallbackInfo&) -> Napi::Value.
template <auto function>
Napi::Value callback(const Napi::CallbackInfo& info);

}  // namespace eegtorch

#include "environment.h"

template <auto function>
Napi::Value eegtorch::callback(const Napi::CallbackInfo& info) {
  return {info.Env(), guarded(info.Env(), [&]() -> napi_value { return function(Environment::of(info.Env()), info); })};
}
