// Opens LibTorch's libraries by path, so that the addon finds them by name without an rpath. It links nothing itself.
#include <dlfcn.h>
#include <node_api.h>

#include <cstdlib>
#include <string>

namespace {

// How often a worker of OpenMP looks for work before it sleeps: libgomp reads this as it is opened. Its own 300,000
// take several milliseconds, in which the worker keeps a processor from other threads, from the one it waits for too
// where there are more threads than processors. A tenth of a millisecond bridges what lies between two operators.
class SpinCount {
 public:
  SpinCount() : ours_(!std::getenv(kName) && !std::getenv("OMP_WAIT_POLICY")) {
    if (ours_) setenv(kName, "3000", 0);
  }
  // Child processes are not asked to do the same.
  ~SpinCount() {
    if (ours_) unsetenv(kName);
  }

 private:
  static constexpr const char* kName = "GOMP_SPINCOUNT";
  bool ours_;
};

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
  const SpinCount spin_count;
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
