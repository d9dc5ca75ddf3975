// Processes that train one network together, over LibTorch's c10d. Every process makes the same calls in the same
// order.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <functional>
#include <memory>
#include <string>

#include "core/config.h"
#include "core/named_tensors.h"

namespace c10d {
class ProcessGroup;
}

namespace eegtorch {

inline constexpr std::array<const char*, 2> kBackends{"gloo", "nccl"};

struct ProcessGroupConfig {
  OneOf<kBackends> backend;
  int64_t rank = 0;
  int64_t world_size = 1;
  std::string host = "127.0.0.1";
  int64_t port = 29500;
  double timeout = 600;
  std::optional<std::string> prefix;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("backend", backend, "'gloo' for CPU tensors; 'nccl' for CUDA tensors, and Gloo for those on the CPU");
    visit("rank", rank, "number of this process, from 0");
    visit("world_size", world_size, "number of processes");
    visit("host", host, "where process 0 runs");
    visit("port", port, "where process 0 listens");
    visit("timeout", timeout, "seconds that a process waits for the others");
    visit("prefix", prefix,
          "keys in a store that whoever started the processes serves at host:port; null: process 0 does");
  }
};

class ProcessGroup {
 public:
  // options: a ProcessGroupConfig. Returns when all processes have come; PROCESS_LOST when they do not in time.
  explicit ProcessGroup(const Value& options);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  // In place, in every process. Reductions of integers: sum, min, max.
  void allReduce(const at::Tensor& tensor, const std::string& reduction) const;
  // In place: the tensors of all processes become those of `root`. Any dtype.
  void broadcast(const Tensors& tensors, int64_t root) const;
  // One tensor from each process, in their order, on the device of this one's.
  Tensors allGather(const at::Tensor& tensor) const;
  void barrier() const;

  // Throws SHAPE_MISMATCH in every process unless all say the same, naming the first part that differs of a statement
  // with commas. A collective on tensors that do not fit one another would hang or worse.
  void agree(const std::string& statement) const;

  const c10::intrusive_ptr<c10d::ProcessGroup>& handle() const { return handle_; }

 private:
  Tensors gather(const at::Tensor& tensor) const;
  std::vector<std::string> gatherTexts(const std::string& text) const;

  int rank_, size_;
  c10::intrusive_ptr<c10d::ProcessGroup> handle_;
};

}  // namespace eegtorch
