#include "training/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/scalar_tensor.h>

#include "core/check.h"
#include "core/table.h"
#include "training/classification.h"

namespace eegtorch {

at::Tensor Objective::mass(const Tensors& targets) const {
  return at::scalar_tensor(targets.at(0).size(0), at::kDouble);
}

at::Tensor Objective::correct(const Tensors&, const Tensors&) const { return {}; }

namespace {

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
      throw Error("SHAPE_MISMATCH", "mse: outputs and targets differ in shape", showShape(output.sizes()),
                  showShape(target.sizes()));
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
      throw Error("SHAPE_MISMATCH", "output: the network's first output is no loss", "a scalar",
                  showShape(loss.sizes()));
    return loss;
  }

  at::Tensor correct(const Tensors& outputs, const Tensors& targets) const override {
    const bool counted = outputs.size() > 1 && outputs[1].dim() == 2 && targets.at(0).scalar_type() == at::kLong &&
                         targets[0].dim() == 1;
    return counted ? outputs[1].argmax(1).eq(targets[0]).sum() : at::Tensor();
  }
};

}  // namespace

const std::vector<ObjectiveEntry>& objectives() {
  static const std::vector<ObjectiveEntry> table = {
      crossEntropy(),
      focal(),
      objectiveEntry<MeanSquaredError, MeanSquaredErrorConfig>("mse", "mean squared error"),
      objectiveEntry<Output, OutputConfig>("output", "the loss that the network computes"),
  };
  return table;
}

std::unique_ptr<Objective> makeObjective(const std::string& name, const Value& options) {
  return findEntry(objectives(), name, "objective").make(options);
}

}  // namespace eegtorch
