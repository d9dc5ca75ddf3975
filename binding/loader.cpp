// Opens LibTorch's libraries by path, so that the addon finds them by name without an rpath. It links nothing itself.
#include <dlfcn.h>
#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

// Nanoseconds that libgomp takes to look for work once: a load and the processor's pause, from 15 to 50.
double lookTime() {
  using Clock = std::chrono::steady_clock;
  constexpr int kLooks = 200;
  const std::atomic<int> work{0};
  double best = 1e9;
  for (int attempt = 0; attempt < 5; attempt++) {
    const auto start = Clock::now();
    for (int i = 0; i < kLooks && work.load(std::memory_order_relaxed) == 0; i++) pause();
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kLooks);
  }
  return std::max(best, 1.0);
}

// How often a worker of OpenMP looks for work before it sleeps: libgomp reads this as it is opened. Its own 300,000
// take several milliseconds, in which the worker keeps a processor from other threads, from the one it waits for too
// where there are more threads than processors. A quarter of a millisecond bridges what lies between two operators and
// two unequal halves of one: a thread that slept may be woken on the processor of the one that wakes it, and two
// threads then share that for many milliseconds while another stands idle.
class SpinCount {
 public:
  SpinCount() : ours_(!std::getenv(kName) && !std::getenv("OMP_WAIT_POLICY")) {
    if (ours_) setenv(kName, std::to_string(static_cast<int>(kNanoseconds / lookTime())).c_str(), 0);
  }
  // Child processes are not asked to do the same.
  ~SpinCount() {
    if (ours_) unsetenv(kName);
  }

 private:
  static constexpr const char* kName = "GOMP_SPINCOUNT";
  static constexpr double kNanoseconds = 250'000;
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
