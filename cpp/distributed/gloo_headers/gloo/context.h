// Declares what c10d/ProcessGroupGloo.hpp names of Gloo. LibTorch links Gloo into libtorch_cpu.so and ships no headers
// of it; only pointers to these classes are ever held, so nothing but their names matters.
#pragma once

#include <chrono>
#include <memory>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class UnboundBuffer;
}

}  // namespace gloo
