// Optimisers: groups of parameters, each moved by an update rule that keeps tensors for every parameter. All state is
// tensors, the count of steps included, so that a step can be captured in a CUDA graph and a state restored bit for
// bit.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/named_tensors.h"
#include "training/lbfgs.h"

namespace eegtorch {

// The parameters of one group that have a gradient in this step, and what the rule keeps for them.
struct UpdateLists {
  std::vector<at::Tensor> parameters, gradients;
  std::vector<std::vector<at::Tensor>> kept;  // in the order of UpdateRule::keeps()
};

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  // PyTorch's names of what is kept for each parameter. "step" is a scalar; all others have the parameter's shape.
  virtual std::vector<std::string> keeps() const = 0;
  virtual double learningRate() const = 0;

  // rate: the learning rate of this step, a scalar tensor. found_inf: 1 when the gradients overflowed and nothing may
  // move; null without gradient scaling.
  virtual void update(UpdateLists& lists, const at::Tensor& rate, const std::optional<at::Tensor>& found_inf) = 0;
};

struct OptimizerEntry {
  std::string name, doc;
  std::function<ConfigDescription()> describe;
  std::function<std::unique_ptr<UpdateRule>(const Value& options)> make;  // empty for L-BFGS, which is no such rule
};

const std::vector<OptimizerEntry>& optimizers();

class Optimizer {
 public:
  // options: {name, options of that rule..., groups: [{params: [patterns], overrides...}]}. A pattern is a parameter's
  // name with * for any run of characters; the first group that matches takes a parameter, the rest use the options.
  // layer_decay: factor on the learning rate of each layer against that of the layer after it.
  Optimizer(const NamedTensors& parameters, const Value& options);

  // Whether it evaluates the loss several times in one step: search() is called then, and step() otherwise.
  bool searches() const { return lbfgs_.has_value(); }
  void search(const Lbfgs::Closure& closure);

  // Moves every parameter that has a gradient.
  void step(const std::optional<at::Tensor>& found_inf);

  // The learning rate of each group becomes its own times factor.
  void setRateFactor(double factor);

  // "exp_avg.conv_temporal.weight" -> tensor. The tensors are the optimiser's own, not copies.
  NamedTensors state() const;

  // What copies these values into the state, once they are seen to fit: CHECKPOINT_MISMATCH for a missing name or
  // another shape.
  std::function<void()> restoring(const NamedTensors& state);

 private:
  struct Group {
    std::unique_ptr<UpdateRule> rule;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    std::vector<std::vector<at::Tensor>> kept;  // [keeps()][parameter]
    at::Tensor rate;
    double scale = 1;  // of the learning rate
  };
  void addGroups(const std::function<std::unique_ptr<UpdateRule>()>& make, const NamedTensors& parameters,
                 const std::map<std::string, double>& scales);
  void addGroup(std::unique_ptr<UpdateRule> rule, const NamedTensors& parameters, double scale);

  std::vector<Group> groups_;
  std::optional<Lbfgs> lbfgs_;
  double factor_ = 1;
};

}  // namespace eegtorch
