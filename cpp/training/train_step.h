// One training step in one call: forward, loss, backward, clipping, optimiser.
#pragma once

#include <ATen/core/Generator.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/model.h"
#include "distributed/data_parallel.h"
#include "training/gradients.h"
#include "training/objective.h"
#include "training/optimizer.h"

namespace eegtorch {

struct TrainStepConfig {
  std::optional<std::string> autocast;
  std::optional<double> clip_norm;
  int64_t accumulate = 1;
  std::optional<int64_t> seed;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("autocast", autocast, "'bfloat16' or 'float16': run matrix products in that type; null for float32");
    visit("clip_norm", clip_norm, "largest 2-norm of all gradients together; null for no clipping");
    visit("accumulate", accumulate, "micro-batches that a batch is cut into; the gradient is that of the whole batch");
    visit("seed", seed, "seed of this step's own random numbers (dropout); null to share the process's generator");
  }
};

struct Batch {
  Tensors inputs, targets;  // first dimension: batch
};

struct StepResult {
  double loss = 0;
  double grad_norm = 0;  // before clipping
  bool skipped = false;  // the gradients overflowed in float16 and nothing moved
  std::optional<int64_t> correct;
  int64_t count = 0;  // examples in the batch
  double mass = 0;    // what the mean loss divides by
};

struct EvaluationResult {
  Tensors outputs;
  std::optional<double> loss;  // with targets
  std::optional<int64_t> correct;
  int64_t count = 0;
  double mass = 0;
};

class TrainStep {
 public:
  // objective and optimizer: {name, options...}. group: processes that train together, each on its part of a batch, or
  // null.
  TrainStep(Model model, const Value& objective, const Value& optimizer, const Value& options,
            std::shared_ptr<ProcessGroup> group = nullptr);

  StepResult run(const Batch& batch);

  // The same network without gradients and in evaluation mode. targets may be empty.
  EvaluationResult evaluate(const Batch& batch);

  // With a group: weights, buffers and state become those of process 0.
  void synchronise();
  // With a group: what the Reducer says of its work.
  std::map<std::string, int64_t> reductionFigures() const;

  void setRateFactor(double factor) { optimizer_.setRateFactor(factor); }

  // Everything but the weights that the next step depends on: "optimizer.exp_avg.NAME", "scaler.scale", "random".
  NamedTensors state() const;
  void loadState(const NamedTensors& state);

 private:
  at::Tensor microBatch(const Batch& batch, const at::Tensor& share, bool last, at::Tensor& correct);
  std::vector<at::Tensor> gradients() const;
  void clearGradients();
  void checkBatch(const Batch& batch) const;

  Model model_;
  TrainStepConfig config_;
  std::optional<at::ScalarType> autocast_;
  NamedTensors parameters_;
  std::unique_ptr<Objective> objective_;
  Optimizer optimizer_;
  std::optional<GradScaler> scaler_;
  at::Tensor random_;  // state of the own generator, or undefined
  std::unique_ptr<DataParallel> parallel_;
};

}  // namespace eegtorch
