#include "core/thread_team.h"

#include <ATen/Parallel.h>
#include <omp.h>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif

#include <vector>

namespace eegtorch {

namespace {

struct Team {
  bool begun = false;
  std::vector<int> workers;  // the system's numbers of the threads
  int avoided = -1;          // the processor that they were sent away from
};

thread_local Team team;

#if defined(__linux__)

constexpr int kMostThreads = 16;  // one call of the system for each

cpu_set_t processorsOfProcess() {
  cpu_set_t all;
  if (sched_getaffinity(getpid(), sizeof all, &all) != 0) CPU_ZERO(&all);
  return all;
}

// Zero for those that libgomp did not give.
std::vector<int> workersOf(int threads) {
  std::vector<int> numbers(threads);
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) { numbers[at::get_thread_num()] = gettid(); });
  return {numbers.begin() + 1, numbers.end()};
}

#endif

}  // namespace

void endThreadTeam() {
  team = {};
  omp_pause_resource_all(omp_pause_soft);
}

void spreadThreadTeam() {
#if defined(__linux__)
  static const cpu_set_t all = processorsOfProcess();
  const int threads = omp_get_max_threads();
  if (threads < 2 || threads > kMostThreads || threads != CPU_COUNT(&all)) return;
  const bool begins = !team.begun;
  team.begun = true;
  if (begins) return;  // threads that are yet to be made are spread by the system, and may not be needed
  const int mine = sched_getcpu();
  if (mine == team.avoided) return;
  if (static_cast<int>(team.workers.size()) != threads - 1) team.workers = workersOf(threads);
  cpu_set_t others = all;
  CPU_CLR(mine, &others);
  for (const int worker : team.workers)
    if (worker != 0) sched_setaffinity(worker, sizeof others, &others);
  team.avoided = mine;
#endif
}

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }

OneThread::~OneThread() { omp_set_num_threads(before_); }

}  // namespace eegtorch
