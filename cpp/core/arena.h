// Large blocks of memory out of one reserved range of addresses. Freed pages stay mapped, so that the next step finds
// them warm instead of as page faults; what recent steps did not need goes back to the system.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace eegtorch {

// Not thread-safe: its owner locks.
class Arena {
 public:
  static constexpr size_t unit = 4096;             // blocks are whole units
  static constexpr size_t page = size_t{2} << 20;  // residency is counted in huge pages

  // Reserves addresses, no memory. On failure `ready()` is false.
  Arena();

  bool ready() const { return base_ != nullptr; }

  // bytes: rounded up to units. nullptr when no free range of addresses is long enough.
  void* allocate(size_t bytes);
  void free(void* block);

  // A number that the owner keeps for the unit at `address`.
  uint32_t& tag(const void* address);

  size_t bytesInUse() const { return in_use_; }

  // Returns free pages to the system until no more than `limit` bytes are resident, or none is left.
  void trim(size_t limit);

 private:
  void insertFree(size_t start, size_t units);
  void eraseFree(std::map<size_t, size_t>::iterator range);
  void touch(size_t first_page, size_t last_page);
  void noteUse();
  size_t limit() const;

  char* base_ = nullptr;
  size_t capacity_ = 0, in_use_ = 0, resident_ = 0;
  size_t touched_end_ = 0;  // one past the highest page ever touched
  // Largest bytes in use in this period and the one before: what may stay resident.
  size_t period_peak_ = 0, previous_peak_ = 0;
  int64_t period_start_ = 0, period_use_ = 0, next_look_ = 0;  // seconds on the clock, but for use: of the processor
  size_t middle_ = 0;                                          // unit where the half for large blocks begins
  std::map<size_t, size_t> free_by_start_;  // first unit -> units; no range reaches across the middle
  std::array<std::set<std::pair<size_t, size_t>>, 2> free_by_size_;  // (units, first unit), below and above the middle
  uint32_t* tags_ = nullptr;                                         // per unit
  uint32_t* lengths_ = nullptr;                                      // per unit: units of the block that starts there
  uint8_t* page_resident_ = nullptr;
};

// Bytes that this process may use: physical memory or its control group's limit, whichever is smaller.
size_t availableMemory();

}  // namespace eegtorch
