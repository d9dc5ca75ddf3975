// The one thread on which heavy work runs, in the order of submission. JavaScript's thread stays free, and OpenMP never
// has two masters that compete for the cores: whoever submits gives up the workers of its own, and the compute thread
// those that it has not needed for a while.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace eegtorch {

// Asked by long work between its pieces.
class Cancellation {
 public:
  void request() { requested_ = true; }
  bool requested() const { return requested_; }
  // Throws CANCELLED.
  void check() const;

  // That of the job which runs on this thread; null where none does. Long work deep inside LibTorch's operators asks
  // it.
  static const Cancellation* current();

 private:
  std::atomic<bool> requested_ = false;
};

class ComputeThread {
 public:
  using Owner = const void*;
  struct Job {
    Owner owner;
    std::shared_ptr<Cancellation> cancellation;
    std::function<void()> run;  // must not throw
  };

  // The thread of the process. Never destroyed: an addon that is unloaded while it runs would crash.
  static ComputeThread& instance();

  void submit(Job job);

  // Forgets the owner's waiting jobs, asks its running one to stop, and returns when it has.
  void drop(Owner owner);

  // Drops everything and ends the thread; a later submit starts it anew.
  void stop();

  size_t pending();

 private:
  void loop();
  void waitForWork(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<Job> queue_;
  std::thread thread_;
  Owner running_ = nullptr;
  std::shared_ptr<Cancellation> running_cancellation_;
  bool stopping_ = false;
};

}  // namespace eegtorch
