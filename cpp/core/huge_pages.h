// The pages of 2 MB that the system has free, for memory that is written once. Asked for while they last and are quick.
#pragma once

#include <chrono>
#include <cstdint>

namespace eegtorch {

class HugePages {
 public:
  static constexpr uint64_t kSize = uint64_t{2} << 20;

  HugePages();

  // Asks for the bytes from an address that is a multiple of kSize in huge pages; false where they stay small.
  bool askFor(void* first, uint64_t bytes);

  // What it took to bring in pages that were asked for, all threads together. Where that is slow, small ones are given
  // from now on: a virtual machine hands runs of free pages back to its host, which must find each anew. Then huge
  // pages took twenty times as long (2 to 4 s for 1.7 GB), and five times as long as small ones, which had stayed.
  void brought(uint64_t bytes, std::chrono::nanoseconds took);

 private:
  uint64_t left_;
};

}  // namespace eegtorch
