#include "training/classification.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <limits>

#include "core/check.h"
#include "core/error.h"

namespace eegtorch {
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

struct FocalConfig : CrossEntropyConfig {
  double gamma = 2;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("gamma", gamma, "power of what a probability lacks; 0 gives cross entropy");
    CrossEntropyConfig::fields(visit);
  }
};

// outputs[0]: (batch, classes) scores. targets: class numbers (batch), or probabilities (batch, classes), or the three
// that mixup leaves: class numbers, those of the partners, and the share of the first in each example.
class ClassObjective : public Objective {
 public:
  ClassObjective(const CrossEntropyConfig& config, const char* name) : name_(name), config_(config) {
    OptionCheck(name).fraction("label_smoothing", config.label_smoothing);
    if (config.weight) weight_ = at::tensor(*config.weight, at::kFloat);
  }

  at::Tensor mass(const Tensors& targets) const override {
    const at::Tensor& target = targets.at(0);
    if (targets.size() == 3 || target.is_floating_point()) return Objective::mass(targets);
    const at::Tensor counted = target.ne(config_.ignore_index);
    if (!weight_.defined()) return counted.sum().to(at::kDouble);
    return weight_.to(target.device()).index_select(0, target.masked_select(counted)).sum().to(at::kDouble);
  }

  // Of a mixture, the class with the larger share counts.
  at::Tensor correct(const Tensors& outputs, const Tensors& targets) const override {
    at::Tensor target = targets.at(0);
    if (targets.size() == 3) target = at::where(targets[2].ge(0.5), target, targets[1]);
    return outputs.at(0).argmax(1).eq(target.is_floating_point() ? target.argmax(1) : target).sum();
  }

 protected:
  at::Tensor weight(const at::Tensor& scores) const {
    return weight_.defined() ? weight_.to(scores.options()) : at::Tensor();
  }

  // Class numbers or probabilities.
  at::Tensor targetOf(const at::Tensor& scores, const Tensors& targets) const {
    checkShapes(scores, targets.at(0));
    if (targets.size() != 3) return targets[0];
    return probabilities(targets[0], scores) * share(targets[2], scores) +
           probabilities(targets[1], scores) * (1 - share(targets[2], scores));
  }

  // (batch) class numbers -> (batch, classes): 1 for the class, all 0 for a number that counts for nothing.
  at::Tensor probabilities(const at::Tensor& classes, const at::Tensor& scores) const {
    const at::Tensor counted = classes.ne(config_.ignore_index);
    const at::Tensor known = at::where(counted, classes, 0);
    return scores.detach()
        .new_zeros(scores.sizes())
        .scatter(1, known.unsqueeze(1), counted.to(scores.scalar_type()).unsqueeze(1));
  }

  const char* name_;
  CrossEntropyConfig config_;

 private:
  static at::Tensor share(const at::Tensor& shares, const at::Tensor& scores) {
    return shares.to(scores.scalar_type()).unsqueeze(1);
  }

  void checkShapes(const at::Tensor& scores, const at::Tensor& target) const {
    const std::string name(name_);
    if (scores.dim() < 2)
      throw Error("SHAPE_MISMATCH", name + ": the scores have too few dimensions", "(batch, classes)",
                  showShape(scores.sizes()));
    if (target.dim() == 0 || target.size(0) != scores.size(0))
      throw Error("SHAPE_MISMATCH", name + ": targets and scores are not of one batch",
                  std::to_string(scores.size(0)) + " targets", showShape(target.sizes()));
    if (weight_.defined() && weight_.numel() != scores.size(1))
      throw Error("SHAPE_MISMATCH", name + ": weight has another length than there are classes",
                  std::to_string(scores.size(1)) + " weights", std::to_string(weight_.numel()));
  }

  at::Tensor weight_;  // (classes), or undefined
};

class CrossEntropy : public ClassObjective {
 public:
  explicit CrossEntropy(const CrossEntropyConfig& config) : ClassObjective(config, "cross_entropy") {}

  at::Tensor loss(const Tensors& outputs, const Tensors& targets) const override {
    const at::Tensor& scores = outputs.at(0);
    return at::cross_entropy_loss(scores, targetOf(scores, targets), weight(scores), at::Reduction::Mean,
                                  config_.ignore_index, config_.label_smoothing);
  }
};

class Focal : public ClassObjective {
 public:
  explicit Focal(const FocalConfig& config) : ClassObjective(config, "focal"), gamma_(config.gamma) {
    OptionCheck("focal").require(config.gamma >= 0 && std::isfinite(config.gamma), "gamma", "a number, 0 or more",
                                 std::to_string(config.gamma));
  }

  at::Tensor loss(const Tensors& outputs, const Tensors& targets) const override {
    const at::Tensor& scores = outputs.at(0);
    at::Tensor target = targetOf(scores, targets);
    if (scores.dim() != 2 || target.dim() > 2)
      throw Error("SHAPE_MISMATCH", "focal: the scores are not those of one answer for each example",
                  "(batch, classes)", showShape(scores.sizes()));
    // Where nothing counts, of which the sum is zero, gradients must stay numbers.
    const at::Tensor counted = mass(targets).to(scores.options()).clamp_min(std::numeric_limits<float>::min());
    if (!target.is_floating_point()) target = probabilities(target, scores);
    if (config_.label_smoothing > 0)
      target = target * (1 - config_.label_smoothing) +
               target.sum(1, true) * (config_.label_smoothing / static_cast<double>(scores.size(1)));
    if (config_.weight) target = target * weight(scores);
    const at::Tensor logs = at::log_softmax(scores, 1);
    // From 1e-12 on, so that the slope of a root stays finite where a class is certain.
    const at::Tensor lacking = at::expm1(logs).neg().clamp_min(1e-12);
    return (target * lacking.pow(gamma_) * logs).sum().neg() / counted;
  }

 private:
  double gamma_;
};

}  // namespace

ObjectiveEntry crossEntropy() {
  return objectiveEntry<CrossEntropy, CrossEntropyConfig>("cross_entropy", "cross entropy of class scores");
}
ObjectiveEntry focal() {
  return objectiveEntry<Focal, FocalConfig>("focal", "cross entropy that minds hard examples more (Lin et al. 2017)");
}

}  // namespace eegtorch
