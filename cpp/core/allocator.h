// The allocator under every CPU tensor of this process. A training step allocates the same buffers again and again;
// the system's allocator returns the large ones after each step, and they come back as page faults.
#pragma once

#include <cstddef>

namespace eegtorch {

struct AllocatorStatistics {
  size_t bytes_in_use = 0;       // held by tensors, rounded up to blocks
  size_t bytes_cached = 0;       // mapped and free
  size_t peak_bytes_in_use = 0;  // since the start or `resetAllocatorPeak`; pieces cut into small blocks count whole
};

// Puts the allocator under LibTorch. Tensors made before keep the old one. Safe to call twice; never undone, since a
// tensor may outlive everything else. Does nothing where no range of addresses can be reserved.
void installCachingAllocator();

AllocatorStatistics allocatorStatistics();
void resetAllocatorPeak();

// Returns all free memory to the system.
void releaseCachedMemory();

}  // namespace eegtorch
