// Batches of a store, gathered by threads of their own ahead of the one who takes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "store/window_file.h"

namespace eegtorch {

struct PrefetchOptions {
  int64_t threads = 2;
  int64_t depth = 4;    // batches that are ready or under way at most, the one being taken not counted
  bool pinned = false;  // in page-locked memory, from which copies to a GPU run beside its work
  // What is made of each sample of a channel: (value - mean) * factor. Empty: nothing.
  std::vector<double> mean, factor;
};

class Prefetcher {
 public:
  struct Batch {
    at::Tensor inputs;   // (windows, channels, samples), float32
    at::Tensor targets;  // (windows), int64
  };

  // batches: windows of each, in order. labels: class of each window of the file. on_ready is called by any of the
  // threads whenever the next batch in order may be taken, or failed.
  Prefetcher(std::shared_ptr<const WindowFile> file, std::shared_ptr<const std::vector<int64_t>> labels,
             std::vector<std::vector<int64_t>> batches, PrefetchOptions options, std::function<void()> on_ready);
  // Ends the threads; batches that nobody took are freed.
  ~Prefetcher();

  // The next batch in order, or nothing where it is not ready. Throws what went wrong with it.
  std::optional<Batch> take();

  void stop();
  // Stops all that there are: the process is about to end.
  static void stopAll();

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr failure;
  };
  void work();
  Batch gather(const std::vector<int64_t>& windows, std::vector<char>& scratch) const;
  void standardise(float* window) const;

  std::shared_ptr<const WindowFile> file_;
  std::shared_ptr<const std::vector<int64_t>> labels_;
  std::vector<std::vector<int64_t>> batches_;
  PrefetchOptions options_;
  std::function<void()> on_ready_;

  std::mutex mutex_, joining_;
  std::condition_variable room_;
  size_t next_ = 0, taken_ = 0;
  bool stopping_ = false;
  std::map<size_t, Slot> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace eegtorch
