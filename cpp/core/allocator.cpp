#include "core/allocator.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/error.h"

namespace eegtorch {

namespace {

constexpr size_t alignment = 64;
constexpr size_t largest_small = 8192;
constexpr size_t slab_bytes = 65536;

// Blocks of one size cut from one piece of the arena. Free blocks are linked through their first bytes.
struct Slab {
  char* base;
  size_t size_class;
  size_t live = 0;
  char* free_list = nullptr;
  char* untouched;      // blocks from here on were never given out
  size_t position = 0;  // index among the slabs of its class that have room
};

// Sizes 64, 128, 192, 256, then four steps to each doubling.
size_t sizeClass(size_t bytes) {
  const size_t lines = (bytes + alignment - 1) / alignment;
  if (lines <= 4) return lines - 1;
  const size_t shift = std::bit_width(lines - 1) - 3;
  return 4 * shift + ((lines - 1) >> shift);
}

size_t classBytes(size_t size_class) {
  if (size_class < 4) return (size_class + 1) * alignment;
  const size_t shift = size_class / 4 - 1;
  return ((size_class % 4 + 5) << shift) * alignment;
}

thread_local AllocationBudget* budget = nullptr;
// A tensor of one element costs its bookkeeping too.
constexpr size_t smallest_spent = 512;

class CachingAllocator final : public c10::Allocator {
 public:
  bool ready() const { return arena_.ready(); }

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    if (budget) budget->spend(bytes);
    void* block = take(bytes);
    return {block, block, &release, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }

  void releaseCached() {
    std::lock_guard lock(mutex_);
    arena_.trim(0);
  }

 private:
  static void release(void* block);

  void* take(size_t bytes) {
    std::lock_guard lock(mutex_);
    void* block = bytes <= largest_small ? takeSmall(sizeClass(bytes)) : takeLarge(bytes);
    if (block) return block;
    throw Error("OUT_OF_MEMORY", "not enough memory for a tensor of " + std::to_string(bytes) + " bytes",
                "at most " + std::to_string(memory_ - std::min(memory_, arena_.bytesInUse())) + " bytes",
                std::to_string(bytes) + " bytes, with " + std::to_string(arena_.bytesInUse()) + " in use");
  }

  void give(void* block) {
    std::lock_guard lock(mutex_);
    const uint32_t slab = arena_.tag(block);
    if (slab == 0) return arena_.free(block);
    giveSmall(slab - 1, static_cast<char*>(block));
  }

  // The kernel promises more memory than there is and then ends the process, so the sum is refused here.
  bool fits(size_t bytes) const { return bytes <= memory_ && arena_.bytesInUse() <= memory_ - bytes; }

  void* takeLarge(size_t bytes) {
    void* block = fits(bytes) ? arena_.allocate(bytes) : nullptr;
    if (block) arena_.tag(block) = 0;
    return block;
  }

  void* takeSmall(size_t size_class) {
    auto& roomy = roomy_[size_class];
    if (roomy.empty() && !addSlab(size_class)) return nullptr;
    Slab& slab = slabs_[roomy.back()];
    const size_t bytes = classBytes(size_class);
    char* block = slab.free_list;
    if (block) {
      std::memcpy(&slab.free_list, block, sizeof(char*));
    } else {
      block = slab.untouched;
      slab.untouched += bytes;
    }
    slab.live++;
    if (!slab.free_list && slab.untouched + bytes > slab.base + slab_bytes) roomy.pop_back();
    return block;
  }

  void giveSmall(size_t index, char* block) {
    Slab& slab = slabs_[index];
    auto& roomy = roomy_[slab.size_class];
    const size_t bytes = classBytes(slab.size_class);
    const bool was_full = !slab.free_list && slab.untouched + bytes > slab.base + slab_bytes;
    std::memcpy(block, &slab.free_list, sizeof(char*));
    slab.free_list = block;
    slab.live--;
    if (was_full) {
      slab.position = roomy.size();
      roomy.push_back(index);
    }
    // One empty slab stays, so that a loop over one tensor does not make and drop a slab each time.
    if (slab.live == 0 && roomy.size() > 1) dropSlab(index);
  }

  bool addSlab(size_t size_class) {
    auto* base = static_cast<char*>(takeLarge(slab_bytes));
    if (!base) return false;
    if (unused_.empty()) {
      unused_.push_back(slabs_.size());
      slabs_.emplace_back();
    }
    const size_t index = unused_.back();
    unused_.pop_back();
    for (size_t at = 0; at < slab_bytes; at += Arena::unit) arena_.tag(base + at) = static_cast<uint32_t>(index + 1);
    slabs_[index] = {base, size_class, 0, nullptr, base, roomy_[size_class].size()};
    roomy_[size_class].push_back(index);
    return true;
  }

  void dropSlab(size_t index) {
    auto& roomy = roomy_[slabs_[index].size_class];
    roomy[slabs_[index].position] = roomy.back();
    slabs_[roomy.back()].position = slabs_[index].position;
    roomy.pop_back();
    unused_.push_back(index);
    arena_.free(slabs_[index].base);
  }

  std::mutex mutex_;
  Arena arena_;
  const size_t memory_ = availableMemory();
  std::vector<Slab> slabs_;
  std::vector<size_t> unused_;                 // places in slabs_ without a slab
  std::array<std::vector<size_t>, 24> roomy_;  // per size class: slabs that have a free block
};

CachingAllocator& allocator() {
  static auto* instance = new CachingAllocator;  // never freed: tensors may be freed at any time, even at exit
  return *instance;
}

void CachingAllocator::release(void* block) {
  if (block) allocator().give(block);
}

}  // namespace

void installCachingAllocator() {
  // Above the priority of LibTorch's own allocators, so that loading another library does not put one back.
  if (allocator().ready()) c10::SetCPUAllocator(&allocator(), 100);
}

void releaseCachedMemory() { allocator().releaseCached(); }

c10::DataPtr reserveUntouched(size_t bytes) {
  if (budget) budget->spend(bytes);
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    throw Error("OUT_OF_MEMORY", "no range of addresses is left for a tensor of " + std::to_string(bytes) + " bytes");
  using Owner = std::pair<void*, size_t>;
  const auto release = [](void* owner) {
    const std::unique_ptr<Owner> range(static_cast<Owner*>(owner));
    ::munmap(range->first, range->second);
  };
  return {address, new Owner(address, bytes), release, c10::Device(c10::DeviceType::CPU)};
}

AllocationBudget::AllocationBudget(size_t bytes, std::string code, std::string what)
    : bytes_(bytes), code_(std::move(code)), what_(std::move(what)), outer_(std::exchange(budget, this)) {}

AllocationBudget::~AllocationBudget() { budget = outer_; }

void AllocationBudget::spend(size_t bytes) {
  const size_t left = bytes_ - spent_;
  if (bytes > left)
    throw Error(code_, what_, "at most " + std::to_string(bytes_) + " bytes",
                "a tensor of " + std::to_string(bytes) + " bytes beside " + std::to_string(spent_));
  spent_ += std::min(left, std::max(bytes, smallest_spent));
}

}  // namespace eegtorch
