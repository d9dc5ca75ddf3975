#include "training/train_step.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <mutex>
#include <unordered_set>

#include "core/check.h"
#include "core/error.h"
#include "core/scopes.h"
#include "training/parameter_names.h"

namespace eegtorch {
namespace {

std::string nameOf(const Value& entry, const char* kind) {
  const Value* name = entry.find("name");
  if (!name || !name->get<std::string>())
    throw Error("INVALID_OPTION", std::string(kind) + ": no name is given", "{name, options}", entry.show());
  return *name->get<std::string>();
}

// The members of a map but for one.
ValueMap without(const Value& options, const std::string& name) {
  ValueMap rest;
  if (const auto* members = options.get<ValueMap>())
    for (const auto& member : *members)
      if (member.first != name) rest.push_back(member);
  return rest;
}

std::unique_ptr<Objective> readObjective(const Value& objective) {
  return makeObjective(nameOf(objective, "loss"), without(objective, "name"));
}

TrainStepConfig readStepConfig(const Value& options) {
  const auto config = readConfig<TrainStepConfig>(without(options, "augmentations"), "trainStep");
  if (config.accumulate < 1)
    throw Error("INVALID_OPTION", "trainStep: accumulate is out of range", "1 or more",
                std::to_string(config.accumulate));
  const OptionCheck check("trainStep");
  check.positive("clip_norm", config.clip_norm.value_or(1));
  check.positive("clip_value", config.clip_value.value_or(1));
  check.require(!config.clip_norm || !config.clip_value, "clip_value", "one of clip_norm and clip_value", "both");
  check.require(config.l1 >= 0 && std::isfinite(config.l1), "l1", "a number, 0 or more", std::to_string(config.l1));
  check.require(config.l2 >= 0 && std::isfinite(config.l2), "l2", "a number, 0 or more", std::to_string(config.l2));
  check.fraction("ema", config.ema.value_or(0));
  check.require(config.ema || !config.use_ema_warmup, "use_ema_warmup", "false, as there is no ema", "true");
  check.positive("ema_inv_gamma", config.ema_inv_gamma);
  check.positive("ema_power", config.ema_power);
  return config;
}

Penalty readPenalty(const TrainStepConfig& config, const NamedTensors& parameters) {
  NamedTensors rest = parameters;
  return {config.penalise ? takeMatching(*config.penalise, rest, "penalise") : parameters, config.l1, config.l2};
}

std::optional<at::ScalarType> readAutocast(const std::optional<std::string>& name) {
  if (!name || *name == "float32") return std::nullopt;
  if (*name == "bfloat16") return at::kBFloat16;
  if (*name == "float16") return at::kHalf;
  throw Error("INVALID_OPTION", "trainStep: autocast names no such type", "'bfloat16', 'float16' or null", *name);
}

// A parameter of two names learns once, under the first; frozen under one, it is frozen.
NamedTensors each(const NamedTensors& parameters, const NamedTensors& frozen) {
  std::unordered_set<const c10::TensorImpl*> seen;
  for (const auto& [name, parameter] : frozen) seen.insert(parameter.unsafeGetTensorImpl());
  NamedTensors result;
  for (const auto& named : parameters)
    if (seen.insert(named.second.unsafeGetTensorImpl()).second) result.push_back(named);
  return result;
}

// Optimisers walk a parameter as one flat run of memory.
void requireDense(const NamedTensors& parameters) {
  for (const auto& [name, parameter] : parameters)
    if (!parameter.is_non_overlapping_and_dense())
      throw Error("INVALID_OPTION",
                  "trainStep: the parameter " + name + " is a part of another tensor or repeats itself",
                  "a tensor of its own, as clone() makes", "strides " + showShape(parameter.strides()));
}

// The parameters that learn, by name; those that `freeze` names become `frozen`.
NamedTensors trainable(ModelImpl& model, const TrainStepConfig& config, FrozenPart& frozen) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters())
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  NamedTensors resting;
  if (config.freeze) resting = takeMatching(*config.freeze, parameters, "freeze");
  parameters = each(parameters, resting);
  if (config.freeze) frozen = FrozenPart(model, resting);
  requireDense(parameters);
  if (parameters.empty()) throw Error("INVALID_OPTION", "trainStep: the network has no parameter that learns");
  return parameters;
}

// Losses are taken in float32 whatever type the network ran in.
Tensors inFloat(Tensors tensors) {
  for (auto& tensor : tensors)
    if (tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf) tensor = tensor.to(at::kFloat);
  return tensors;
}

std::vector<Batch> cut(const Batch& batch, int64_t parts) {
  if (parts == 1) return {batch};
  std::vector<Batch> cuts(std::min(parts, batch.inputs[0].size(0)));
  const auto share = [&](const Tensors& tensors, Tensors Batch::* member) {
    for (const auto& tensor : tensors) {
      const auto pieces = tensor.tensor_split(static_cast<int64_t>(cuts.size()));
      for (size_t i = 0; i < cuts.size(); i++) (cuts[i].*member).push_back(pieces[i]);
    }
  };
  share(batch.inputs, &Batch::inputs);
  share(batch.targets, &Batch::targets);
  return cuts;
}

// One read-back for all figures: on a GPU each one waits for the device.
StepResult readBack(const StepGradient& gradient) {
  const auto& [loss, mass, correct, norm, found_inf, count] = gradient;
  const at::Tensor zero = at::zeros({}, loss.options().dtype(at::kDouble));
  const at::Tensor figures =
      at::stack({loss.to(at::kDouble), norm.to(at::kDouble), found_inf ? found_inf->to(at::kDouble) : zero,
                 correct.defined() ? correct.to(at::kDouble) : zero, mass.to(loss.device())})
          .cpu();
  const double* figure = figures.const_data_ptr<double>();
  StepResult result{figure[0], figure[1], figure[2] != 0, std::nullopt, count, figure[4]};
  if (correct.defined()) result.correct = static_cast<int64_t>(figure[3]);
  return result;
}

void setTraining(ModelImpl& model, bool on) {
  if (model.is_training() != on) model.train(on);
}

template <class Work>
auto locked(at::Generator& generator, Work&& work) {
  std::lock_guard<std::mutex> lock(generator.mutex());
  return work();
}

}  // namespace

TrainStep::TrainStep(Model model, const Value& objective, const Value& optimizer, const Value& options,
                     std::shared_ptr<ProcessGroup> group)
    : model_(std::move(model)),
      config_(readStepConfig(options)),
      autocast_(readAutocast(config_.autocast)),
      parameters_(trainable(*model_, config_, frozen_)),
      augmenter_(options.find("augmentations")),
      objective_(readObjective(objective)),
      optimizer_(parameters_, optimizer),
      penalty_(readPenalty(config_, parameters_)) {
  if (config_.ema)
    average_.emplace(parameters_,
                     MeanDecay{*config_.ema, config_.use_ema_warmup, config_.ema_inv_gamma, config_.ema_power});
  if (autocast_ == at::kHalf) scaler_.emplace(parameters_[0].second.device());
  if (scaler_ && optimizer_.searches())
    throw Error("INVALID_OPTION", "trainStep: lbfgs cannot search along scaled gradients", "autocast to another type",
                *config_.autocast, "autocast");
  if (config_.seed) random_ = seedState(*config_.seed);
  if (group && optimizer_.searches())
    throw Error("INVALID_OPTION", "trainStep: lbfgs trains in one process", "another optimizer", "lbfgs", "optimizer");
  if (group) parallel_ = std::make_unique<DataParallel>(std::move(group), model_, parameters_);
}

void TrainStep::checkBatch(const Batch& batch) const {
  if (batch.inputs.empty() || batch.inputs[0].dim() == 0 || batch.inputs[0].size(0) == 0)
    throw Error("SHAPE_MISMATCH", "the batch is empty", "(batch, ...)",
                batch.inputs.empty() ? "no inputs" : showShape(batch.inputs[0].sizes()));
  const auto device = parameters_[0].second.device();
  for (const auto* tensors : {&batch.inputs, &batch.targets})
    for (const auto& tensor : *tensors) {
      if (tensor.device() != device)
        throw Error("DEVICE_MISMATCH", "batch and network are on different devices", device.str(),
                    tensor.device().str());
      if (tensor.dim() == 0 || tensor.size(0) != batch.inputs[0].size(0))
        throw Error("SHAPE_MISMATCH", "the tensors of a batch differ in their first dimension",
                    std::to_string(batch.inputs[0].size(0)), showShape(tensor.sizes()));
    }
}

void TrainStep::clearGradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

std::vector<at::Tensor> TrainStep::gradients() const {
  std::vector<at::Tensor> gradients;
  for (const auto& [name, parameter] : parameters_)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients;
}

Batch TrainStep::augmented(Batch batch) const {
  c10::NoGradGuard no_grad;
  if (augmenter_) augmenter_.run(batch.inputs, batch.targets);
  return batch;
}

// Adds the gradient of one micro-batch and returns its part of the loss. share: its part of the batch, or undefined.
// last: processes average their gradients now.
at::Tensor TrainStep::microBatch(const Batch& batch, const at::Tensor& share, bool last, at::Tensor& correct) {
  Tensors outputs;
  {
    AutocastScope autocast(batch.inputs[0].device().type(), autocast_);
    outputs = model_->run(batch.inputs);
  }
  outputs = inFloat(std::move(outputs));
  at::Tensor loss = objective_->loss(outputs, batch.targets);
  // A part in which nothing counts has the mean of nothing, which is no number.
  if (share.defined()) {
    const auto part = share.to(loss.options());
    loss = at::where(part == 0, at::zeros_like(loss), loss * part);
  }
  const at::Tensor scaled = scaler_ ? scaler_->scale(loss) : loss;
  if (last && parallel_)
    parallel_->backward(scaled);
  else
    scaled.backward();

  c10::NoGradGuard no_grad;
  const at::Tensor right = objective_->correct(outputs, batch.targets);
  if (right.defined()) correct = correct.defined() ? correct + right : right;
  return loss.detach();
}

StepResult TrainStep::run(const Batch& given) {
  checkBatch(given);
  if (given.targets.empty()) throw Error("SHAPE_MISMATCH", "the batch has no targets");
  at::AutoGradMode grad(true);
  if (parallel_ && !parallel_->synchronised()) synchronise();
  at::Tensor own = parallel_ && random_.defined() ? parallel_->ownRandom(random_) : at::Tensor();
  RandomScope random(own.defined() ? own : random_);
  const Batch batch = augmented(given);
  setTraining(*model_, true);
  const FrozenPart::Scope frozen(frozen_);
  StepGradient gradient;
  if (optimizer_.searches()) {
    gradient = search(batch);
  } else {
    gradient = evaluateGradient(batch);
    c10::NoGradGuard no_grad;
    optimizer_.step(gradient.found_inf);
    if (scaler_) scaler_->update(*gradient.found_inf);
  }
  if (average_) average_->update();
  clearGradients();
  return readBack(gradient);
}

// Forward and backward over all micro-batches, unscaled, with penalties, clipped.
StepGradient TrainStep::evaluateGradient(const Batch& batch) {
  at::AutoGradMode grad(true);
  clearGradients();
  StepGradient result;
  result.mass = objective_->mass(batch.targets);
  const auto parts = cut(batch, config_.accumulate);
  result.count = batch.inputs[0].size(0);
  const at::Tensor whole = parallel_ ? parallel_->meanMass(result.mass) : result.mass;
  for (const auto& part : parts) {
    const bool shared = parallel_ || parts.size() > 1;
    const at::Tensor share = shared ? objective_->mass(part.targets) / whole : at::Tensor();
    const at::Tensor partial = microBatch(part, share, &part == &parts.back(), result.correct);
    result.loss = result.loss.defined() ? result.loss + partial : partial;
  }
  if (parallel_) parallel_->total(result.loss, result.correct, result.mass, result.count);

  c10::NoGradGuard no_grad;
  if (scaler_) result.found_inf = scaler_->unscale(gradients());
  if (penalty_) penalty_.addGradient();
  const auto grads = gradients();
  result.norm = gradientNorm(grads);
  if (config_.clip_norm) clipGradients(grads, result.norm, *config_.clip_norm);
  if (config_.clip_value) clipValues(grads, *config_.clip_value);
  return result;
}

// A step that evaluates the loss several times, each time with the same random numbers. Told is the first evaluation.
StepGradient TrainStep::search(const Batch& batch) {
  auto generator = at::detail::getDefaultCPUGenerator();
  const at::Tensor random = locked(generator, [&] { return generator.get_state(); });
  std::optional<StepGradient> first;
  optimizer_.search([&] {
    locked(generator, [&] { generator.set_state(random); });
    const StepGradient gradient = evaluateGradient(batch);
    if (!first) first = gradient;
    c10::NoGradGuard no_grad;
    return (penalty_ ? gradient.loss + penalty_.value() : gradient.loss).item<double>();
  });
  return *first;
}

EvaluationResult TrainStep::evaluate(const Batch& batch) {
  checkBatch(batch);
  c10::NoGradGuard no_grad;
  const WeightAverage::Scope averaged(average_ ? &*average_ : nullptr);
  setTraining(*model_, false);
  EvaluationResult result;
  {
    AutocastScope autocast(batch.inputs[0].device().type(), autocast_);
    result.outputs = model_->run(batch.inputs);
  }
  result.outputs = inFloat(std::move(result.outputs));
  result.count = batch.inputs[0].size(0);
  if (batch.targets.empty()) return result;
  result.loss = objective_->loss(result.outputs, batch.targets).item<double>();
  result.mass = objective_->mass(batch.targets).item<double>();
  const at::Tensor correct = objective_->correct(result.outputs, batch.targets);
  if (correct.defined()) result.correct = correct.item<int64_t>();
  return result;
}

void TrainStep::synchronise() {
  if (parallel_) parallel_->synchronise(state());
}

std::map<std::string, int64_t> TrainStep::reductionFigures() const {
  return parallel_ ? parallel_->figures() : std::map<std::string, int64_t>();
}

NamedTensors TrainStep::state() const {
  NamedTensors state;
  for (auto& [name, tensor] : optimizer_.state()) state.emplace_back("optimizer." + name, tensor);
  if (scaler_)
    for (auto& [name, tensor] : scaler_->state()) state.emplace_back("scaler." + name, tensor);
  if (average_)
    for (auto& [name, tensor] : average_->state()) state.emplace_back("ema." + name, tensor);
  if (random_.defined()) state.emplace_back("random", random_);
  return state;
}

std::function<void()> TrainStep::restoring(const NamedTensors& state) {
  const std::map<std::string, at::Tensor> given(state.begin(), state.end());
  const auto find = [&](const std::string& name) -> const at::Tensor& {
    const auto found = given.find(name);
    if (found == given.end()) throw Error("CHECKPOINT_MISMATCH", "the training state lacks " + name);
    return found->second;
  };
  std::vector<std::pair<at::Tensor, at::Tensor>> pairs;
  const auto pair = [&](const std::string& prefix, const NamedTensors& own) {
    for (const auto& [name, tensor] : own) {
      const auto& value = find(prefix + name);
      if (value.sizes() != tensor.sizes())
        throw Error("CHECKPOINT_MISMATCH", "the training state " + prefix + name + " has another shape",
                    showShape(tensor.sizes()), showShape(value.sizes()));
      pairs.emplace_back(tensor, value);
    }
  };
  if (average_) pair("ema.", average_->state());
  if (scaler_) pair("scaler.", scaler_->state());
  const at::Tensor random = random_.defined() ? find("random").clone() : at::Tensor();
  NamedTensors of_optimizer;
  for (const auto& [name, tensor] : state)
    if (name.starts_with("optimizer.")) of_optimizer.emplace_back(name.substr(10), tensor);
  return [this, pairs, random, optimizer = optimizer_.restoring(of_optimizer)] {
    const c10::NoGradGuard no_grad;
    optimizer();
    for (const auto& [own, value] : pairs) own.copy_(value);
    random_ = random;
  };
}

}  // namespace eegtorch
