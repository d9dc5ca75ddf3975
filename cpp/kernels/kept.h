// What inference derives from weights and keeps from call to call: packed matrices, folded norms.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include <limits>
#include <memory>
#include <mutex>
#include <vector>

namespace eegtorch::kernels {

// Where a tensor's numbers were at some moment, and how often they had been written to.
class Stamp {
 public:
  explicit Stamp(const at::Tensor& tensor);

  // Whether the tensor is still there, unwritten. A version says nothing of tensors made in inference mode, nor of
  // memory that JavaScript holds: never.
  bool holds(const at::Tensor& tensor) const;

 private:
  c10::weak_intrusive_ptr<c10::StorageImpl> storage_;  // weak: its address is not given to another meanwhile
  int64_t offset_;
  uint32_t version_;
  uint64_t sharing_;
  bool versioned_;
};

// What a network is asked for: x (rows, ...), in which mode. Products with more rows than `most` use no kept value.
struct ForwardPass {
  bool training;
  const at::Tensor& x;
  int64_t most = std::numeric_limits<int64_t>::max();
};

// Whether a pass goes through products that keep what they derive from these weights: so in inference, where kernels
// apply and autograd follows nothing. Training, and weights that kernels do not apply to, make it worth dropping.
enum class Keeping { used, unused, dropped };
Keeping keepingOf(const ForwardPass& pass, const std::vector<at::Tensor>& weights);

// A value made of tensors, made again when one of them has changed. Networks run on several threads.
template <class Value>
class Kept {
 public:
  template <class Make>
  std::shared_ptr<const Value> get(const std::vector<at::Tensor>& from, const Make& make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    bool fresh = value_ && stamps_.size() == from.size();
    for (size_t i = 0; fresh && i < from.size(); i++) fresh = stamps_[i].holds(from[i]);
    if (fresh) return value_;
    // Both change together: make() may throw, and the stamps say what the value was made of.
    std::vector<Stamp> stamps(from.begin(), from.end());
    value_ = std::make_shared<const Value>(make());
    stamps_ = std::move(stamps);
    return value_;
  }

  // The value where the pass uses it, else null.
  template <class Make>
  std::shared_ptr<const Value> inferring(const ForwardPass& pass, const std::vector<at::Tensor>& weights,
                                         const Make& make) {
    const Keeping keeping = keepingOf(pass, weights);
    if (keeping == Keeping::dropped) drop();
    return keeping == Keeping::used ? get(weights, make) : nullptr;
  }

  // Gives the memory back.
  void drop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    value_.reset();
  }

 private:
  std::mutex mutex_;
  std::vector<Stamp> stamps_;
  std::shared_ptr<const Value> value_;
};

}  // namespace eegtorch::kernels
