#include "training/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/table.h"
#include "core/written.h"
#include "training/parameter_names.h"
#include "training/update_rules.h"

namespace eegtorch {
namespace {

// The options without the members that are not the rule's own; `overrides` win over `base`.
Value ruleOptions(const ValueMap& base, const ValueMap& overrides) {
  const auto own = [](const std::string& name) {
    return name != "name" && name != "groups" && name != "params" && name != "layer_decay";
  };
  ValueMap merged;
  for (const auto& [name, value] : base) {
    const bool replaced = std::any_of(overrides.begin(), overrides.end(), [&](auto& o) { return o.first == name; });
    if (own(name) && !replaced) merged.emplace_back(name, value);
  }
  for (const auto& [name, value] : overrides)
    if (own(name)) merged.emplace_back(name, value);
  return merged;
}

std::vector<std::string> readPatterns(const Value& group) {
  const Value* params = group.find("params");
  std::vector<std::string> patterns;
  if (!params || !detail::FieldType<std::vector<std::string>>::read(*params, patterns))
    throw Error("INVALID_OPTION", "optimizer: a group names no parameters", "params: a list of names, * for any text",
                params ? params->show() : "no params");
  return patterns;
}

// Full precision on the CPU, where the kernel reads a double; float on a GPU, where its kernel reads a float.
at::Tensor makeRate(double rate, const at::Tensor& parameter) {
  return at::scalar_tensor(
      rate, parameter.is_cuda() ? parameter.options().dtype(at::kFloat) : at::TensorOptions().dtype(at::kDouble));
}

// 1 where it is not given.
double readLayerDecay(const Value& options) {
  const Value* given = options.find("layer_decay");
  if (!given || given->isNull()) return 1;
  double decay = 0;
  if (detail::FieldType<double>::read(*given, decay) && decay > 0 && decay <= 1) return decay;
  throw Error("INVALID_OPTION", "optimizer: layer_decay is out of range", "a number above 0, up to 1", given->show(),
              "layer_decay");
}

// Of each parameter's learning rate: 1 in the last layer, less by `decay` with each layer towards the input.
std::map<std::string, double> layerScales(const NamedTensors& parameters, double decay) {
  const auto layers = layersOf(parameters);
  const int64_t last = *std::max_element(layers.begin(), layers.end());
  std::map<std::string, double> scales;
  for (size_t i = 0; i < layers.size(); i++)
    scales[parameters[i].first] = std::pow(decay, static_cast<double>(last - layers[i]));
  return scales;
}

void refuseGroups(const Value& options, const std::string& name) {
  for (const char* option : {"groups", "layer_decay"}) {
    const Value* given = options.find(option);
    if (given && !given->isNull())
      throw Error("INVALID_OPTION", name + " moves all parameters as one", std::string("no ") + option, given->show(),
                  option);
  }
}

std::vector<at::Tensor> tensorsOf(const NamedTensors& named) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : named) tensors.push_back(tensor);
  return tensors;
}

OptimizerEntry lbfgs() {
  return {"lbfgs", "limited-memory BFGS (Liu and Nocedal 1989)", [] { return describeConfig<LbfgsConfig>(); }, {}};
}

}  // namespace

const std::vector<OptimizerEntry>& optimizers() {
  static const std::vector<OptimizerEntry> table = {adam(), adamw(), sgd(), rmsprop(), lbfgs()};
  return table;
}

Optimizer::Optimizer(const NamedTensors& parameters, const Value& options) {
  const auto* map = options.get<ValueMap>();
  const Value* name = options.find("name");
  if (!map || !name || !name->get<std::string>())
    throw Error("INVALID_OPTION", "optimizer: no name is given", "{name, options}", options.show());
  const auto& entry = findEntry(optimizers(), *name->get<std::string>(), "optimizer");

  if (!entry.make) {
    refuseGroups(options, entry.name);
    lbfgs_.emplace(tensorsOf(parameters), ruleOptions(*map, {}));
    return;
  }
  const double decay = readLayerDecay(options);
  const auto scales = layerScales(parameters, decay);
  NamedTensors rest = parameters;
  const Value* groups = options.find("groups");
  if (groups && !groups->isNull()) {
    if (!groups->get<ValueList>())
      throw Error("INVALID_OPTION", "optimizer: groups is not a list", "a list of {params, options}", groups->show());
    for (const auto& group : *groups->get<ValueList>()) {
      const auto patterns = readPatterns(group);
      addGroups([&] { return entry.make(ruleOptions(*map, *group.get<ValueMap>())); },
                takeMatching(patterns, rest, "optimizer"), scales);
    }
  }
  addGroups([&] { return entry.make(ruleOptions(*map, {})); }, rest, scales);
}

// One group for each scale of the learning rate.
void Optimizer::addGroups(const std::function<std::unique_ptr<UpdateRule>()>& make, const NamedTensors& parameters,
                          const std::map<std::string, double>& scales) {
  std::map<double, NamedTensors, std::greater<>> by_scale;
  for (const auto& parameter : parameters) by_scale[scales.at(parameter.first)].push_back(parameter);
  for (const auto& [scale, own] : by_scale) addGroup(make(), own, scale);
}

void Optimizer::addGroup(std::unique_ptr<UpdateRule> rule, const NamedTensors& parameters, double scale) {
  Group group{std::move(rule), {}, {}, {}, {}, scale};
  for (const auto& [name, parameter] : parameters) {
    group.names.push_back(name);
    group.parameters.push_back(parameter);
  }
  for (const auto& kind : group.rule->keeps()) {
    auto& tensors = group.kept.emplace_back();
    for (const auto& parameter : group.parameters)
      tensors.push_back(kind == "step" ? at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false))
                                       : at::zeros_like(parameter.detach()));
  }
  group.rate = makeRate(group.rule->learningRate() * scale, group.parameters[0]);
  groups_.push_back(std::move(group));
}

void Optimizer::search(const Lbfgs::Closure& closure) { lbfgs_->step(closure, factor_); }

void Optimizer::step(const std::optional<at::Tensor>& found_inf) {
  c10::NoGradGuard no_grad;
  for (auto& group : groups_) {
    UpdateLists lists;
    lists.kept.resize(group.kept.size());
    for (size_t i = 0; i < group.parameters.size(); i++) {
      const at::Tensor& parameter = group.parameters[i];
      if (!parameter.grad().defined()) continue;
      lists.parameters.push_back(parameter);
      // The fused kernels walk parameter and gradient as one flat run of memory.
      const bool same_layout = parameter.grad().strides() == parameter.strides();
      lists.gradients.push_back(same_layout ? parameter.grad() : at::zeros_like(parameter).copy_(parameter.grad()));
      for (size_t kind = 0; kind < group.kept.size(); kind++) lists.kept[kind].push_back(group.kept[kind][i]);
    }
    if (lists.parameters.empty()) continue;
    group.rule->update(lists, group.rate, found_inf);
    // LibTorch's fused kernels do not count what they write, and inference keeps what it made of the weights before.
    for (const auto& parameter : lists.parameters) wrote(parameter);
  }
}

void Optimizer::setRateFactor(double factor) {
  factor_ = factor;
  for (auto& group : groups_) group.rate.fill_(group.rule->learningRate() * group.scale * factor);
}

NamedTensors Optimizer::state() const {
  if (lbfgs_) return lbfgs_->state();
  NamedTensors state;
  for (const auto& group : groups_) {
    const auto kinds = group.rule->keeps();
    for (size_t kind = 0; kind < kinds.size(); kind++)
      for (size_t i = 0; i < group.names.size(); i++)
        state.emplace_back(kinds[kind] + "." + group.names[i], group.kept[kind][i]);
  }
  return state;
}

std::function<void()> Optimizer::restoring(const NamedTensors& state) {
  if (lbfgs_) return lbfgs_->restoring(state);
  const std::map<std::string, at::Tensor> given(state.begin(), state.end());
  std::vector<std::pair<at::Tensor, at::Tensor>> pairs;
  for (auto& [name, tensor] : this->state()) {
    const auto found = given.find(name);
    if (found == given.end())
      throw Error("CHECKPOINT_MISMATCH",
                  "the optimiser's state lacks " + name + ": it is of another optimiser or network");
    if (found->second.sizes() != tensor.sizes())
      throw Error("CHECKPOINT_MISMATCH", "the optimiser's state " + name + " has another shape",
                  showShape(tensor.sizes()), showShape(found->second.sizes()));
    pairs.emplace_back(tensor, found->second);
  }
  return [pairs = std::move(pairs)] {
    for (const auto& [own, value] : pairs) own.copy_(value);
  };
}

}  // namespace eegtorch
