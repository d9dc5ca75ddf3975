#include "core/arena.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace eegtorch {

namespace {

// Pages that stay although no recent step used so much: below this, returning them saves nothing worth a fault.
constexpr size_t smallest_slack = size_t{16} << 20;
// And this share of what was used at most: between its blocks lie ranges that are free, yet a little too short. A step
// that had to give those back for fresh pages would do so every time.
constexpr size_t slack_share = 8;
// Longer than most training steps, in time on the clock and of the processor, which others may be using: what the first
// half of a step needs must not go while the second half runs. A process that does little still gives back.
constexpr int64_t period_seconds = 5, longest_period_seconds = 60;
// Blocks from here on have a half of the addresses of their own. Among smaller ones, a gradient of that size would find
// its place of the last step a little too short, and take fresh pages in every step.
constexpr size_t large = size_t{32} << 20;

int64_t seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec;
}

void* reserve(size_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? nullptr : address;
}

}  // namespace

size_t availableMemory() {
  size_t bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    size_t limit = 0;
    if (file >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

Arena::Arena() {
  // Twice the memory there is: free ranges between blocks cost addresses, not memory.
  for (size_t bytes = std::max(availableMemory() * 2, size_t{4} << 30); bytes >= size_t{1} << 30; bytes /= 2) {
    const size_t wanted = bytes / page * page;
    void* address = reserve(wanted + page);
    if (!address) continue;
    tags_ = static_cast<uint32_t*>(reserve(wanted / unit * sizeof(uint32_t)));
    lengths_ = static_cast<uint32_t*>(reserve(wanted / unit * sizeof(uint32_t)));
    page_resident_ = static_cast<uint8_t*>(reserve(wanted / page));
    if (!tags_ || !lengths_ || !page_resident_) return;
    capacity_ = wanted;
    base_ = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(address) + page - 1) / page * page);
    break;
  }
  if (!base_) return;
  madvise(base_, capacity_, MADV_HUGEPAGE);
  middle_ = capacity_ / page / 2 * (page / unit);
  insertFree(0, middle_);
  insertFree(middle_, capacity_ / unit - middle_);
  period_start_ = seconds(CLOCK_MONOTONIC_COARSE);
  next_look_ = period_start_ + period_seconds;
}

uint32_t& Arena::tag(const void* address) { return tags_[(static_cast<const char*>(address) - base_) / unit]; }

void Arena::insertFree(size_t start, size_t units) {
  free_by_start_.emplace(start, units);
  free_by_size_[start >= middle_].emplace(units, start);
}

void Arena::eraseFree(std::map<size_t, size_t>::iterator range) {
  free_by_size_[range->first >= middle_].erase({range->second, range->first});
  free_by_start_.erase(range);
}

size_t Arena::limit() const {
  const size_t used = std::max({period_peak_, previous_peak_, in_use_});
  return used + std::max(smallest_slack, used / slack_share);
}

void Arena::noteUse() {
  period_peak_ = std::max(period_peak_, in_use_);
  const int64_t now = seconds(CLOCK_MONOTONIC_COARSE);
  if (now < next_look_) return;
  const int64_t used = seconds(CLOCK_PROCESS_CPUTIME_ID);  // a system call: not with every block
  next_look_ = now + 1;
  if (used - period_use_ < period_seconds && now - period_start_ < longest_period_seconds) return;
  period_start_ = now;
  period_use_ = used;
  next_look_ = now + period_seconds;
  previous_peak_ = period_peak_;
  period_peak_ = in_use_;
  trim(limit());
}

void Arena::touch(size_t first_page, size_t last_page) {
  touched_end_ = std::max(touched_end_, last_page + 1);
  size_t fresh = 0;
  for (size_t p = first_page; p <= last_page; p++)
    if (!page_resident_[p]) page_resident_[p] = 1, fresh += page;
  if (!fresh) return;
  if (resident_ + fresh > limit()) trim(limit() > fresh ? limit() - fresh : 0);
  resident_ += fresh;
}

void* Arena::allocate(size_t bytes) {
  const size_t units = std::max<size_t>((bytes + unit - 1) / unit, 1);
  const auto* half = &free_by_size_[bytes >= large];
  auto fit = half->lower_bound({units, 0});
  if (fit == half->end()) {
    half = &free_by_size_[bytes < large];
    fit = half->lower_bound({units, 0});
  }
  if (fit == half->end()) return nullptr;
  const auto [length, start] = *fit;
  eraseFree(free_by_start_.find(start));
  if (length > units) insertFree(start + units, length - units);
  lengths_[start] = static_cast<uint32_t>(units);
  in_use_ += units * unit;
  noteUse();
  touch(start * unit / page, ((start + units) * unit - 1) / page);
  return base_ + start * unit;
}

void Arena::free(void* block) {
  size_t start = (static_cast<char*>(block) - base_) / unit;
  size_t units = lengths_[start];
  in_use_ -= units * unit;
  auto next = free_by_start_.lower_bound(start);
  if (next != free_by_start_.end() && next->first == start + units && next->first != middle_) {
    units += next->second;
    eraseFree(next++);
  }
  if (next != free_by_start_.begin() && start != middle_) {
    const auto before = std::prev(next);
    if (before->first + before->second == start) {
      start = before->first;
      units += before->second;
      eraseFree(before);
    }
  }
  insertFree(start, units);
  noteUse();
}

void Arena::trim(size_t limit) {
  // From the highest address down: allocation prefers low ones among equals, so these are wanted last.
  for (auto range = free_by_start_.rbegin(); range != free_by_start_.rend() && resident_ > limit; ++range) {
    const size_t first = (range->first * unit + page - 1) / page;
    size_t last = std::min((range->first + range->second) * unit / page, touched_end_);  // one past the last whole page
    while (last > first && resident_ > limit) {
      last--;
      if (!page_resident_[last]) continue;
      page_resident_[last] = 0;
      resident_ -= page;
      madvise(base_ + last * page, page, MADV_DONTNEED);
    }
  }
}

}  // namespace eegtorch
