// One training step in one call: forward, loss, backward, clipping, optimiser.
#pragma once

#include <ATen/core/Generator.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "augment/augmenter.h"
#include "core/config.h"
#include "core/model.h"
#include "distributed/data_parallel.h"
#include "training/frozen_part.h"
#include "training/gradients.h"
#include "training/objective.h"
#include "training/optimizer.h"
#include "training/weight_average.h"

namespace eegtorch {

struct TrainStepConfig {
  std::optional<std::string> autocast;
  std::optional<double> clip_norm, clip_value;
  double l1 = 0, l2 = 0;
  std::optional<std::vector<std::string>> penalise, freeze;
  std::optional<double> ema;
  bool use_ema_warmup = false;
  double ema_inv_gamma = 1, ema_power = 2.0 / 3;
  int64_t accumulate = 1;
  std::optional<int64_t> seed;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("autocast", autocast, "'bfloat16' or 'float16': run matrix products in that type; null for float32");
    visit("clip_norm", clip_norm, "largest 2-norm of all gradients together; null for no clipping");
    visit("clip_value", clip_value, "largest size of each number of a gradient; null for no clipping");
    visit("l1", l1, "times the sum of the weights' sizes is added to what is minimised");
    visit("l2", l2, "times the sum of the weights' squares is added to what is minimised");
    visit("penalise", penalise, "names of the parameters that l1 and l2 concern, * for any text; null for all");
    visit("freeze", freeze, "names of parameters that stay as they are, * for any text");
    visit("ema", ema, "decay of a running mean of the weights, which is evaluated in their place; null for none");
    visit(
        "use_ema_warmup", use_ema_warmup,
        "less decay at first, so that the mean forgets the first weights: update n leaves 1 - (1 + n / ema_inv_gamma) "
        "** -ema_power of it, up to ema");
    visit("ema_inv_gamma", ema_inv_gamma, "updates in which the warm-up of the running mean begins to tell");
    visit("ema_power", ema_power,
          "how fast the warm-up of the running mean is: 2 / 3 for long trainings, 3 / 4 for short");
    visit("accumulate", accumulate, "micro-batches that a batch is cut into; the gradient is that of the whole batch");
    visit("seed", seed, "seed of this step's own random numbers (dropout); null to share the process's generator");
  }
};

struct Batch {
  Tensors inputs, targets;  // first dimension: batch
};

struct StepResult {
  double loss = 0;       // without penalties
  double grad_norm = 0;  // with penalties, before clipping
  bool skipped = false;  // the gradients overflowed in float16 and nothing moved
  std::optional<int64_t> correct;
  int64_t count = 0;  // examples in the batch
  double mass = 0;    // what the mean loss divides by
};

// What one evaluation of the gradient tells, on the network's device.
struct StepGradient {
  at::Tensor loss, mass, correct, norm;  // correct: undefined where there are no classes
  std::optional<at::Tensor> found_inf;
  int64_t count = 0;  // examples
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
  // objective and optimizer: {name, options...}. options: those of TrainStepConfig, and augmentations, a list of
  // {name, options...}. group: processes that train together, each on its part of a batch, or null.
  TrainStep(Model model, const Value& objective, const Value& optimizer, const Value& options,
            std::shared_ptr<ProcessGroup> group = nullptr);

  StepResult run(const Batch& given);

  // The same network without gradients and in evaluation mode. targets may be empty.
  EvaluationResult evaluate(const Batch& batch);

  // With a group: weights, buffers and state become those of process 0.
  void synchronise();
  // With a group: what the Reducer says of its work.
  std::map<std::string, int64_t> reductionFigures() const;

  void setRateFactor(double factor) { optimizer_.setRateFactor(factor); }

  // Everything but the weights that the next step depends on: "optimizer.exp_avg.NAME", "scaler.scale", "random".
  NamedTensors state() const;
  // What puts such a state in, once it is seen to fit: CHECKPOINT_MISMATCH for that of another network or optimiser.
  std::function<void()> restoring(const NamedTensors& state);

 private:
  StepGradient evaluateGradient(const Batch& batch);
  StepGradient search(const Batch& batch);
  at::Tensor microBatch(const Batch& batch, const at::Tensor& share, bool last, at::Tensor& correct);
  std::vector<at::Tensor> gradients() const;
  void clearGradients();
  Batch augmented(Batch batch) const;
  void checkBatch(const Batch& batch) const;

  Model model_;
  TrainStepConfig config_;
  std::optional<at::ScalarType> autocast_;
  FrozenPart frozen_;
  NamedTensors parameters_;
  Augmenter augmenter_;
  std::unique_ptr<Objective> objective_;
  Optimizer optimizer_;
  Penalty penalty_;
  std::optional<WeightAverage> average_;
  std::optional<GradScaler> scaler_;
  at::Tensor random_;  // state of the own generator, or undefined
  std::unique_ptr<DataParallel> parallel_;
};

}  // namespace eegtorch
