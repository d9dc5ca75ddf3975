#include "core/compute_thread.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "core/thread_team.h"

namespace eegtorch {

namespace {

thread_local const Cancellation* current_cancellation = nullptr;

// A loop of steps comes back sooner; who computes elsewhere meanwhile has all processors.
constexpr std::chrono::milliseconds kTeamStays{50};

}  // namespace

const Cancellation* Cancellation::current() { return current_cancellation; }

void Cancellation::check() const {
  if (requested()) throw Error("CANCELLED", "the work was cancelled");
}

ComputeThread& ComputeThread::instance() {
  static auto* thread = new ComputeThread();
  return *thread;
}

void ComputeThread::submit(Job job) {
  endThreadTeam();  // what the caller computed itself must not slow down what it hands over
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  wake_.notify_one();
}

void ComputeThread::drop(Owner owner) {
  std::deque<Job> dropped;  // destroyed after the lock is gone: a job may hold tensors
  std::unique_lock lock(mutex_);
  const auto keep =
      std::stable_partition(queue_.begin(), queue_.end(), [&](const Job& job) { return job.owner != owner; });
  std::move(keep, queue_.end(), std::back_inserter(dropped));
  queue_.erase(keep, queue_.end());
  if (running_ == owner && running_cancellation_) running_cancellation_->request();
  idle_.wait(lock, [&] { return running_ != owner; });
  lock.unlock();
}

void ComputeThread::stop() {
  std::deque<Job> dropped;
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(queue_);
    stopping_ = true;
    if (running_cancellation_) running_cancellation_->request();
    thread.swap(thread_);
    wake_.notify_one();
  }
  if (thread.joinable()) thread.join();
  const std::lock_guard lock(mutex_);
  stopping_ = false;
}

size_t ComputeThread::pending() {
  const std::lock_guard lock(mutex_);
  return queue_.size() + (running_ != nullptr);
}

void ComputeThread::waitForWork(std::unique_lock<std::mutex>& lock) {
  const auto called = [&] { return stopping_ || !queue_.empty(); };
  if (wake_.wait_for(lock, kTeamStays, called)) return;
  lock.unlock();
  endThreadTeam();
  lock.lock();
  wake_.wait(lock, called);
}

void ComputeThread::loop() {
  // Flushed here and not on JavaScript's thread, whose own arithmetic would change. OpenMP's workers inherit it.
  at::globalContext().setFlushDenormal(true);
  at::init_num_threads();
  std::unique_lock lock(mutex_);
  while (true) {
    waitForWork(lock);
    if (stopping_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    running_ = job.owner;
    running_cancellation_ = job.cancellation;
    lock.unlock();
    current_cancellation = job.cancellation.get();
    job.run();
    current_cancellation = nullptr;
    job = {};
    lock.lock();
    running_ = nullptr;
    running_cancellation_.reset();
    idle_.notify_all();
  }
}

}  // namespace eegtorch
