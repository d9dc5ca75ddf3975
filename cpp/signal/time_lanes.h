// Passes over the samples of a recording whose sums come out the same on every run and for any number of threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <vector>

#include "core/compute_thread.h"

namespace eegtorch {

// While it lives, the BLAS of this thread has one thread, where it can be told so.
class SingleThreadBlas {
 public:
  SingleThreadBlas();
  ~SingleThreadBlas();
  SingleThreadBlas(const SingleThreadBlas&) = delete;
  SingleThreadBlas& operator=(const SingleThreadBlas&) = delete;

  bool holds() const;

 private:
  int before_ = 0;
};

// Runs linear algebra on one thread, so that it rounds the same for any number of them.
template <class Body>
void onOneThread(const Body& body) {
  const SingleThreadBlas single;
  const at::AutoDispatchBelowADInplaceOrView plain;
  if (single.holds()) return body();
  // Inside of a parallel region no BLAS takes threads of its own.
  at::parallel_for(0, 2, 1, [&](int64_t from, int64_t) {
    const at::AutoDispatchBelowADInplaceOrView in_region;
    if (from == 0) body();
  });
}

// Samples 0 .. samples - 1 cut into at most 32 lanes, and each lane into short blocks. The borders do not depend on the
// number of threads. What a block holds stays in the cache: on a CPU it has 512 samples, elsewhere it is the whole.
class TimeLanes {
 public:
  // work: operations a sample, roughly; below a limit in all, threads are not worth waking.
  TimeLanes(int64_t samples, const at::Device& device, int64_t work, int64_t block = 512)
      : samples_(samples),
        block_(device.is_cpu() ? block : samples),
        blocks_((samples + block_ - 1) / std::max<int64_t>(block_, 1)),
        lanes_(std::min<int64_t>(blocks_, 32)),
        serial_(lanes_ < 2 || samples * work < kSmallestWork) {}

  int64_t count() const { return lanes_; }

  // body(lane, first sample, number of samples), the blocks of a lane in order, lanes in parallel.
  template <class Body>
  void run(const Body& body) const {
    const auto lanes = [&](int64_t from, int64_t to) {
      const at::AutoDispatchBelowADInplaceOrView plain;
      for (int64_t lane = from; lane < to; lane++)
        for (int64_t b = blocks_ * lane / lanes_; b < blocks_ * (lane + 1) / lanes_; b++)
          body(lane, b * block_, std::min(block_, samples_ - b * block_));
    };
    if (serial_)
      onOneThread([&] { lanes(0, lanes_); });
    else
      at::parallel_for(0, lanes_, 1, lanes);
  }

  // One array of numbers for each lane, zero at first.
  std::vector<at::Tensor> zeros(at::IntArrayRef shape, const at::TensorOptions& options) const;

 private:
  // About a millisecond: where other processes hold the processors, a thread is waited for that long, or longer, in
  // every pass.
  static constexpr int64_t kSmallestWork = 1 << 20;

  int64_t samples_, block_, blocks_, lanes_;
  bool serial_;
};

// The sum of the lanes' arrays, in order.
at::Tensor addLanes(const std::vector<at::Tensor>& lanes);

// body(i) for each of some independent pieces, each on one thread. work: operations a piece, roughly.
template <class Body>
void eachAlone(int64_t count, const at::Device& device, int64_t work, const Body& body) {
  TimeLanes(count, device, work, 1).run([&](int64_t, int64_t from, int64_t size) {
    for (int64_t i = from; i < from + size; i++) body(i);
  });
}

// Throws CANCELLED where the job that this thread runs was cancelled.
inline void stopIfCancelled() {
  if (const auto* cancellation = Cancellation::current()) cancellation->check();
}

}  // namespace eegtorch
