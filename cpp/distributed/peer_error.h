// Failures of the connection to other processes, told apart from all others.
#pragma once

#include <string>

namespace eegtorch {

// Runs a body that talks to other processes. When they are gone or do not answer: PROCESS_LOST.
// doing: what for, as in "while gradients were averaged".
[[noreturn]] void rethrowPeerError(const std::string& doing);

template <class Body>
auto withPeers(const std::string& doing, Body&& body) {
  try {
    return body();
  } catch (...) {
    rethrowPeerError(doing);
  }
}

}  // namespace eegtorch
