#include "core/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace eegtorch {

namespace {

// Bytes that the system has free in runs of huge pages, less a reserve for others; 0 where it does not say. What is
// asked for beyond them the system finds by moving memory about, which took twice as long as all the rest of loading.
uint64_t freeBytes() {
  constexpr uint64_t reserve = uint64_t{256} << 20;
  std::ifstream file("/proc/buddyinfo");  // "Node 0, zone Normal" and how many runs of 2^0, 2^1, ... pages are free
  uint64_t bytes = 0;
  for (std::string line, word; std::getline(file, line);) {
    std::istringstream words(line);
    for (int i = 0; i < 4; i++) words >> word;
    auto run = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    for (uint64_t count = 0; words >> count; run *= 2)
      if (run >= HugePages::kSize) bytes += run * count;
  }
  return bytes > reserve ? bytes - reserve : 0;
}

// Pages of 4 kB came at 1.7 to 2.8 GB/s, huge ones that are there at 8 or more and others at 0.4 to 0.9.
constexpr double kSlowestBytesPerSecond = 2e9;

}  // namespace

HugePages::HugePages() : left_(freeBytes()) {}

bool HugePages::askFor(void* first, uint64_t bytes) {
  if (bytes < kSize || bytes > left_ || ::madvise(first, bytes, MADV_HUGEPAGE) != 0) return false;
  left_ -= bytes;
  return true;
}

void HugePages::brought(uint64_t bytes, std::chrono::nanoseconds took) {
  const double seconds = std::chrono::duration<double>(took).count();
  if (static_cast<double>(bytes) < kSlowestBytesPerSecond * seconds) left_ = 0;
}

}  // namespace eegtorch
