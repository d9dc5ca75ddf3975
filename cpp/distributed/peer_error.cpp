#include "distributed/peer_error.h"

#include <c10/util/Exception.h>

#include "core/error.h"

namespace eegtorch {
namespace {

// c10d's own exceptions are told by type; those of Gloo and NCCL only by what they say.
bool isOfConnection(const std::string& message) {
  for (const char* sign : {"/gloo/", "gloo::", "NCCL", "Connection closed by peer", "Connection reset by peer"})
    if (message.find(sign) != std::string::npos) return true;
  return false;
}

// "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer" without the place in brackets,
// and the first line alone.
std::string reasonOf(std::string message) {
  message = message.substr(0, message.find('\n'));
  const auto bracket = message.starts_with("[") ? message.find("] ") : std::string::npos;
  return bracket == std::string::npos ? message : message.substr(bracket + 2);
}

[[noreturn]] void lost(const std::string& doing, const std::string& message) {
  const bool late = message.find("imed out") != std::string::npos || message.find("imeout") != std::string::npos;
  const std::string what = late ? "another process did not answer in time" : "another process has ended";
  throw Error("PROCESS_LOST", what + " " + doing + " (" + reasonOf(message) + ")");
}

}  // namespace

void rethrowPeerError(const std::string& doing) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::DistError& error) {
    lost(doing, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    if (isOfConnection(error.what_without_backtrace())) lost(doing, error.what_without_backtrace());
    throw;
  } catch (const std::exception& error) {
    if (isOfConnection(error.what())) lost(doing, error.what());
    throw;
  }
}

}  // namespace eegtorch
