// The allocator under every CPU tensor of this process. A training step allocates the same buffers again and again;
// the system's allocator returns the large ones after each step, and they come back as page faults.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <string>

namespace eegtorch {

// Puts the allocator under LibTorch. Tensors made before keep the old one. Safe to call twice; never undone, since a
// tensor may outlive everything else. Does nothing where no range of addresses can be reserved.
void installCachingAllocator();

// Returns all free memory to the system.
void releaseCachedMemory();

// CPU memory that is not there until it is written to, and counts in an AllocationBudget alone: for weights that a file
// replaces. Throws OUT_OF_MEMORY where no such range of addresses is left.
c10::DataPtr reserveUntouched(size_t bytes);

// While it lives, the tensors that this thread makes may take so many bytes in all, those freed since included. A
// tensor beyond that is refused with `code` and `what` before it is allocated.
class AllocationBudget {
 public:
  AllocationBudget(size_t bytes, std::string code, std::string what);
  ~AllocationBudget();
  AllocationBudget(const AllocationBudget&) = delete;

  void spend(size_t bytes);

 private:
  const size_t bytes_;
  const std::string code_, what_;
  size_t spent_ = 0;
  AllocationBudget* const outer_;
};

}  // namespace eegtorch
