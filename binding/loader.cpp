// Opens LibTorch's libraries by path, so that the addon finds them by name without an rpath. It links nothing itself.
#include <dlfcn.h>
#include <node_api.h>

#include <string>

namespace {

// open(path): makes the library's symbols global; throws with the system's own words.
napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, nullptr, "open expects a path");
    return nullptr;
  }
  std::string path(length, '\0');
  napi_get_value_string_utf8(env, argument, path.data(), length + 1, &length);
  if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) napi_throw_error(env, nullptr, dlerror());
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value open;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, Open, nullptr, &open);
  napi_set_named_property(env, exports, "open", open);
  return exports;
}
