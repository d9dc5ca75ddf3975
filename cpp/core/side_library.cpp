#include "core/side_library.h"

#include <dlfcn.h>

#include "core/error.h"

namespace eegtorch {

void* openBeside(const std::string& file, const char* symbol, const std::string& what, const std::string& option) {
  const auto refuse = [&](const std::string& why) {
    throw Error("INVALID_OPTION", "this build of eegtorch has no " + what, "a build with it", why, option);
  };
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&openBeside), &info) == 0) refuse("an addon whose place is unknown");
  const std::string addon = info.dli_fname;
  void* library = dlopen((addon.substr(0, addon.rfind('/') + 1) + file).c_str(), RTLD_NOW);
  if (!library) refuse(dlerror());
  return dlsym(library, symbol);
}

}  // namespace eegtorch
