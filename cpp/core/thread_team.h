// OpenMP's worker threads. Each thread that runs a parallel region has a team of them, which it keeps.
#pragma once

namespace eegtorch {

// Ends the workers of the calling thread; its next parallel region starts new ones. As soon as the teams of all threads
// have more threads than there are processors, libgomp lets none of them spin between two regions: every region then
// waits for the system to wake its workers, longer than many of them take.
void endThreadTeam();

// Sends the workers of the calling thread to other processors than its own, where they are to fill all of them
// together. A system that wakes a worker may choose the processor of the thread that woke it, though others are idle (a
// virtual machine's idle processor counts as taken by its host); both then share it for many milliseconds, and work on
// two threads takes twice as long as on one. To be called before work that has parallel regions.
void spreadThreadTeam();

// Within a block the calling thread computes alone what LibTorch would share: for work that is done sooner than another
// thread is awake.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace eegtorch
