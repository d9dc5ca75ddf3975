// Data-parallel training: every process has the same weights and its own part of each batch. Gradients are averaged in
// buckets while the backward pass goes on, by c10d's Reducer, as torch.nn.parallel.DistributedDataParallel does.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/model.h"
#include "core/named_tensors.h"
#include "distributed/process_group.h"

namespace c10d {
class Logger;
class Reducer;
}  // namespace c10d

namespace eegtorch {

class DataParallel {
 public:
  // parameters: those that learn. Talks to nobody yet.
  DataParallel(std::shared_ptr<ProcessGroup> group, Model model, NamedTensors parameters);
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;

  // Everything becomes what process 0 has: weights, buffers, and `state` besides. Comes before the first step.
  // Throws SHAPE_MISMATCH when the processes have different networks.
  void synchronise(const NamedTensors& state);
  bool synchronised() const { return synchronised_; }

  // Mean over the processes of what their losses divide by. A loss times mass / meanMass, averaged over the processes,
  // is the mean over the examples of all.
  at::Tensor meanMass(const at::Tensor& mass) const;
  // The figures of one process's part of a batch become those of the whole batch. correct may be undefined, in all.
  void total(at::Tensor& loss, at::Tensor& correct, at::Tensor& mass, int64_t& count) const;

  // `shared` is the same in all processes and moves on alike; the result is this process's own, for one step.
  at::Tensor ownRandom(at::Tensor& shared) const;

  // The backward pass after which the gradients of all processes are averaged, those of plain passes before it
  // included.
  void backward(const at::Tensor& loss);

  // The Reducer's figures, for those who look into its work: "num_buckets", "avg_backward_comm_time" and others of
  // c10::DDPLoggingData. Empty before the second step.
  std::map<std::string, int64_t> figures() const;

 private:
  void firstBackward(const at::Tensor& loss);
  void makeReducer(const Tensors& learning);

  std::shared_ptr<ProcessGroup> group_;
  Model model_;
  NamedTensors parameters_;
  bool synchronised_ = false;
  std::shared_ptr<c10d::Reducer> reducer_;
  std::shared_ptr<c10d::Logger> logger_;
};

}  // namespace eegtorch
