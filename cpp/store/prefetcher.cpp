#include "store/prefetcher.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <set>

namespace eegtorch {

namespace {

std::mutex living_mutex;
std::set<Prefetcher*>& living() {
  static auto* prefetchers = new std::set<Prefetcher*>();
  return *prefetchers;
}

}  // namespace

Prefetcher::Prefetcher(std::shared_ptr<const WindowFile> file, std::shared_ptr<const std::vector<int64_t>> labels,
                       std::vector<std::vector<int64_t>> batches, PrefetchOptions options,
                       std::function<void()> on_ready)
    : file_(std::move(file)),
      labels_(std::move(labels)),
      batches_(std::move(batches)),
      options_(std::move(options)),
      on_ready_(std::move(on_ready)) {
  const auto count = std::min<size_t>(static_cast<size_t>(options_.threads), batches_.size());
  try {
    for (size_t i = 0; i < count; i++) threads_.emplace_back([this] { work(); });
    const std::lock_guard lock(living_mutex);
    living().insert(this);
  } catch (...) {
    // Without room for another thread: those that run would end the process when they are destroyed unjoined.
    stop();
    throw;
  }
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(living_mutex);
    living().erase(this);
  }
  stop();
}

void Prefetcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  // Its owner and the end of the process may both be here; each returns when no thread runs any more.
  const std::lock_guard lock(joining_);
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Prefetcher::stopAll() {
  const std::lock_guard lock(living_mutex);
  for (auto* prefetcher : living()) prefetcher->stop();
}

std::optional<Prefetcher::Batch> Prefetcher::take() {
  Slot slot;
  {
    const std::lock_guard lock(mutex_);
    const auto found = ready_.find(taken_);
    if (found == ready_.end()) return std::nullopt;
    slot = std::move(found->second);
    ready_.erase(found);
    taken_++;
  }
  room_.notify_all();
  if (slot.failure) std::rethrow_exception(slot.failure);
  return std::move(slot.batch);
}

void Prefetcher::work() {
  std::vector<char> scratch;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto depth = static_cast<size_t>(options_.depth);
    room_.wait(lock, [&] { return stopping_ || next_ == batches_.size() || next_ < taken_ + depth; });
    if (stopping_ || next_ == batches_.size()) return;
    const size_t index = next_++;
    lock.unlock();
    Slot slot;
    try {
      slot.batch = gather(batches_[index], scratch);
    } catch (...) {
      slot.failure = std::current_exception();
    }
    lock.lock();
    ready_[index] = std::move(slot);
    const bool is_next = ready_.count(taken_) > 0;
    if (is_next && !stopping_) {
      lock.unlock();
      on_ready_();
      lock.lock();
    }
  }
}

Prefetcher::Batch Prefetcher::gather(const std::vector<int64_t>& windows, std::vector<char>& scratch) const {
  const auto count = static_cast<int64_t>(windows.size());
  const int64_t size = file_->channels() * file_->samples();
  const auto options = at::TensorOptions().pinned_memory(options_.pinned);
  Batch batch{at::empty({count, file_->channels(), file_->samples()}, options.dtype(at::kFloat)),
              at::empty({count}, options.dtype(at::kLong))};
  auto* inputs = batch.inputs.mutable_data_ptr<float>();
  auto* targets = batch.targets.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; i++) {
    const int64_t window = windows[static_cast<size_t>(i)];
    file_->read(window, inputs + i * size, scratch);
    if (!options_.factor.empty()) standardise(inputs + i * size);
    targets[i] = labels_->at(static_cast<size_t>(window));
  }
  return batch;
}

void Prefetcher::standardise(float* window) const {
  const int64_t samples = file_->samples();
  for (size_t channel = 0; channel < options_.factor.size(); channel++) {
    float* values = window + static_cast<int64_t>(channel) * samples;
    // In float64 and rounded once, as lib/datasets/standardise.ts does it.
    const double mean = options_.mean[channel], factor = options_.factor[channel];
    for (int64_t i = 0; i < samples; i++) values[i] = static_cast<float>((values[i] - mean) * factor);
  }
}

}  // namespace eegtorch
