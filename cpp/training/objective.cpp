#include "training/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include "training/table.h"

namespace eegtorch {

at::Tensor Objective::mass(const Tensors& targets) const {
  return at::scalar_tensor(targets.at(0).size(0), at::kDouble);
}

at::Tensor Objective::correct(const Tensors&, const Tensors&) const { return {}; }

namespace {

struct CrossEntropyConfig {
  std::optional<std::vector<double>> weight;
  double label_smoothing = 0;
  int64_t ignore_index = -100;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("weight", weight, "one weight per class, for classes of unequal size");
    visit("label_smoothing", label_smoothing, "share of the target spread over all classes, 0 to 1");
    visit("ignore_index", ignore_index, "class number that counts for nothing");
  }
};

// outputs[0]: (batch, classes) scores; targets[0]: (batch) class numbers, or (batch, classes) probabilities.
class CrossEntropy : public Objective {
 public:
  explicit CrossEntropy(const CrossEntropyConfig& config) : config_(config) {
    if (config.label_smoothing < 0 || config.label_smoothing > 1)
      throw Error("INVALID_OPTION", "cross_entropy: label_smoothing is out of range", "0 to 1",
                  std::to_string(config.label_smoothing));
    if (config.weight) weight_ = at::tensor(*config.weight, at::kFloat);
  }

  at::Tensor loss(const Tensors& outputs, const Tensors& targets) const override {
    const at::Tensor &scores = outputs.at(0), &target = targets.at(0);
    checkShapes(scores, target);
    return at::cross_entropy_loss(scores, target, weight(scores), at::Reduction::Mean, config_.ignore_index,
                                  config_.label_smoothing);
  }

  at::Tensor mass(const Tensors& targets) const override {
    const at::Tensor& target = targets.at(0);
    if (target.is_floating_point()) return Objective::mass(targets);
    const at::Tensor counted = target.ne(config_.ignore_index);
    if (!weight_.defined()) return counted.sum().to(at::kDouble);
    return weight_.to(target.device()).index_select(0, target.masked_select(counted)).sum().to(at::kDouble);
  }

  at::Tensor correct(const Tensors& outputs, const Tensors& targets) const override {
    const at::Tensor& target = targets.at(0);
    return outputs.at(0).argmax(1).eq(target.is_floating_point() ? target.argmax(1) : target).sum();
  }

 private:
  at::Tensor weight(const at::Tensor& scores) const {
    return weight_.defined() ? weight_.to(scores.options()) : at::Tensor();
  }

  void checkShapes(const at::Tensor& scores, const at::Tensor& target) const {
    if (scores.dim() < 2)
      throw Error("SHAPE_MISMATCH", "cross_entropy: the scores have too few dimensions", "(batch, classes)",
                  describeShape(scores));
    if (target.dim() == 0 || target.size(0) != scores.size(0))
      throw Error("SHAPE_MISMATCH", "cross_entropy: targets and scores are not of one batch",
                  std::to_string(scores.size(0)) + " targets", describeShape(target));
    if (weight_.defined() && weight_.numel() != scores.size(1))
      throw Error("SHAPE_MISMATCH", "cross_entropy: weight has another length than there are classes",
                  std::to_string(scores.size(1)) + " weights", std::to_string(weight_.numel()));
  }

  CrossEntropyConfig config_;
  at::Tensor weight_;  // (classes), or undefined
};

struct MeanSquaredErrorConfig {
  template <class Visitor>
  void fields(Visitor&&) {}
};

// outputs[0] and targets[0] of one shape.
class MeanSquaredError : public Objective {
 public:
  explicit MeanSquaredError(const MeanSquaredErrorConfig&) {}

  at::Tensor loss(const Tensors& outputs, const Tensors& targets) const override {
    const at::Tensor &output = outputs.at(0), &target = targets.at(0);
    // at::mse_loss would broadcast, and mean over the wrong count without a word.
    if (output.sizes() != target.sizes())
      throw Error("SHAPE_MISMATCH", "mse: outputs and targets differ in shape", describeShape(output),
                  describeShape(target));
    return at::mse_loss(output, target);
  }
};

struct OutputConfig {
  template <class Visitor>
  void fields(Visitor&&) {}
};

// outputs[0]: the loss, a scalar, which the network computes itself as a mean over the batch. outputs[1], where there
// is one: (batch, classes) scores, counted where targets[0] are class numbers.
class Output : public Objective {
 public:
  explicit Output(const OutputConfig&) {}

  at::Tensor loss(const Tensors& outputs, const Tensors&) const override {
    const at::Tensor& loss = outputs.at(0);
    if (loss.dim() != 0)
      throw Error("SHAPE_MISMATCH", "output: the network's first output is no loss", "a scalar", describeShape(loss));
    return loss;
  }

  at::Tensor correct(const Tensors& outputs, const Tensors& targets) const override {
    const bool counted = outputs.size() > 1 && outputs[1].dim() == 2 && targets.at(0).scalar_type() == at::kLong &&
                         targets[0].dim() == 1;
    return counted ? outputs[1].argmax(1).eq(targets[0]).sum() : at::Tensor();
  }
};

template <class Class, class Config>
ObjectiveEntry entry(const char* name, const char* doc) {
  return {name, doc, [] { return describeConfig<Config>(); },
          [name](const Value& options) { return std::make_unique<Class>(readConfig<Config>(options, name)); }};
}

}  // namespace

const std::vector<ObjectiveEntry>& objectives() {
  static const std::vector<ObjectiveEntry> table = {
      entry<CrossEntropy, CrossEntropyConfig>("cross_entropy", "cross entropy of class scores"),
      entry<MeanSquaredError, MeanSquaredErrorConfig>("mse", "mean squared error"),
      entry<Output, OutputConfig>("output", "the loss that the network computes"),
  };
  return table;
}

std::unique_ptr<Objective> makeObjective(const std::string& name, const Value& options) {
  return findEntry(objectives(), name, "objective").make(options);
}

}  // namespace eegtorch
