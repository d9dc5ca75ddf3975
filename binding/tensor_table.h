// Tensors that JavaScript holds, by number. A number is a slot and its generation, so that a stale one is an error and
// never another tensor. One table per environment; only its JavaScript thread touches it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace eegtorch {

class TensorTable {
 public:
  // The number under which JavaScript finds the tensor.
  double put(at::Tensor tensor);

  // Throws USED_AFTER_DISPOSE.
  at::Tensor& get(double id);

  // False when it was released before.
  bool release(double id);

  int64_t live() const { return live_; }
  int64_t liveBytes() const { return live_bytes_; }

  // Bytes that came (or went, negative) since the last call, for V8's accounting.
  int64_t takeUnreported();
  bool hasMuchUnreported() const { return unreported_ > kReportStep || unreported_ < -kReportStep; }

 private:
  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 0;
    int64_t bytes = 0;
  };
  static constexpr int kSlotBits = 24;
  static constexpr uint32_t kLastGeneration = (1u << 28) - 1;  // a number stays below 2^53
  static constexpr int64_t kReportStep = 1 << 20;
  static constexpr int64_t kHandleBytes = 512;  // what a tensor of no elements costs: impl, storage, slot

  Slot* find(double id);
  void account(int64_t bytes) { live_bytes_ += bytes, unreported_ += bytes; }

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  int64_t live_ = 0, live_bytes_ = 0, unreported_ = 0;
};

}  // namespace eegtorch
