#include "training/train_step.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "training/scopes.h"
#include "training/table.h"

namespace eegtorch {
namespace {

std::string nameOf(const Value& entry, const char* kind) {
  const Value* name = entry.find("name");
  if (!name || !name->get<std::string>())
    throw Error("INVALID_OPTION", std::string(kind) + ": no name is given", "{name, options}", entry.show());
  return *name->get<std::string>();
}

std::unique_ptr<Objective> readObjective(const Value& objective) {
  ValueMap options;
  const std::string name = nameOf(objective, "loss");
  for (const auto& [option, value] : *objective.get<ValueMap>())
    if (option != "name") options.emplace_back(option, value);
  return makeObjective(name, options);
}

TrainStepConfig readStepConfig(const Value& options) {
  const auto config = readConfig<TrainStepConfig>(options, "trainStep");
  if (config.accumulate < 1)
    throw Error("INVALID_OPTION", "trainStep: accumulate is out of range", "1 or more",
                std::to_string(config.accumulate));
  if (config.clip_norm && !(*config.clip_norm > 0))
    throw Error("INVALID_OPTION", "trainStep: clip_norm is out of range", "more than 0",
                std::to_string(*config.clip_norm));
  return config;
}

std::optional<at::ScalarType> readAutocast(const std::optional<std::string>& name) {
  if (!name || *name == "float32") return std::nullopt;
  if (*name == "bfloat16") return at::kBFloat16;
  if (*name == "float16") return at::kHalf;
  throw Error("INVALID_OPTION", "trainStep: autocast names no such type", "'bfloat16', 'float16' or null", *name);
}

// The parameters that learn, by name.
NamedTensors trainable(const ModelImpl& model) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters())
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  if (parameters.empty()) throw Error("INVALID_OPTION", "trainStep: the network has no parameter that learns");
  return parameters;
}

at::Tensor seedState(int64_t seed) {
  auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
  return generator.get_state();
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

void setTraining(ModelImpl& model, bool on) {
  if (model.is_training() != on) model.train(on);
}

}  // namespace

TrainStep::TrainStep(Model model, const Value& objective, const Value& optimizer, const Value& options,
                     std::shared_ptr<ProcessGroup> group)
    : model_(std::move(model)),
      config_(readStepConfig(options)),
      autocast_(readAutocast(config_.autocast)),
      parameters_(trainable(*model_)),
      objective_(readObjective(objective)),
      optimizer_(parameters_, optimizer) {
  if (autocast_ == at::kHalf) scaler_.emplace(parameters_[0].second.device());
  if (config_.seed) random_ = seedState(*config_.seed);
  if (group) parallel_ = std::make_unique<DataParallel>(std::move(group), model_, parameters_);
}

void TrainStep::checkBatch(const Batch& batch) const {
  if (batch.inputs.empty() || batch.inputs[0].dim() == 0 || batch.inputs[0].size(0) == 0)
    throw Error("SHAPE_MISMATCH", "the batch is empty", "(batch, ...)",
                batch.inputs.empty() ? "no inputs" : describeShape(batch.inputs[0]));
  const auto device = parameters_[0].second.device();
  for (const auto* tensors : {&batch.inputs, &batch.targets})
    for (const auto& tensor : *tensors) {
      if (tensor.device() != device)
        throw Error("DEVICE_MISMATCH", "batch and network are on different devices", device.str(),
                    tensor.device().str());
      if (tensor.dim() == 0 || tensor.size(0) != batch.inputs[0].size(0))
        throw Error("SHAPE_MISMATCH", "the tensors of a batch differ in their first dimension",
                    std::to_string(batch.inputs[0].size(0)), describeShape(tensor));
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
  if (share.defined()) loss = loss * share.to(loss.options());
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

StepResult TrainStep::run(const Batch& batch) {
  checkBatch(batch);
  if (batch.targets.empty()) throw Error("SHAPE_MISMATCH", "the batch has no targets");
  at::AutoGradMode grad(true);
  if (parallel_ && !parallel_->synchronised()) synchronise();
  at::Tensor own = parallel_ && random_.defined() ? parallel_->ownRandom(random_) : at::Tensor();
  RandomScope random(own.defined() ? own : random_);
  setTraining(*model_, true);
  clearGradients();

  const auto parts = cut(batch, config_.accumulate);
  at::Tensor mass = objective_->mass(batch.targets);
  int64_t count = batch.inputs[0].size(0);
  const at::Tensor whole = parallel_ ? parallel_->meanMass(mass) : mass;
  at::Tensor loss, correct;
  for (const auto& part : parts) {
    const bool shared = parallel_ || parts.size() > 1;
    const at::Tensor share = shared ? objective_->mass(part.targets) / whole : at::Tensor();
    const at::Tensor partial = microBatch(part, share, &part == &parts.back(), correct);
    loss = loss.defined() ? loss + partial : partial;
  }
  if (parallel_) parallel_->total(loss, correct, mass, count);

  c10::NoGradGuard no_grad;
  const auto grads = gradients();
  std::optional<at::Tensor> found_inf;
  if (scaler_) found_inf = scaler_->unscale(grads);
  const at::Tensor norm = gradientNorm(grads);
  if (config_.clip_norm) clipGradients(grads, norm, *config_.clip_norm);
  optimizer_.step(found_inf);
  if (scaler_) scaler_->update(*found_inf);
  clearGradients();

  // One read-back for all figures: on a GPU each one waits for the device.
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

EvaluationResult TrainStep::evaluate(const Batch& batch) {
  checkBatch(batch);
  c10::NoGradGuard no_grad;
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
  if (random_.defined()) state.emplace_back("random", random_);
  return state;
}

void TrainStep::loadState(const NamedTensors& state) {
  c10::NoGradGuard no_grad;
  NamedTensors optimizer;
  const auto find = [&](const std::string& wanted) -> const at::Tensor& {
    for (const auto& [name, tensor] : state)
      if (name == wanted) return tensor;
    throw Error("CHECKPOINT_MISMATCH", "the training state lacks " + wanted);
  };
  // Looked up before anything changes, so that a refused state leaves the step as it was.
  const at::Tensor random = random_.defined() ? find("random").clone() : at::Tensor();
  for (const auto& [name, tensor] : state)
    if (name.starts_with("optimizer.")) optimizer.emplace_back(name.substr(10), tensor);
  optimizer_.loadState(optimizer);
  if (scaler_)
    for (auto& [name, tensor] : scaler_->state()) tensor.copy_(find("scaler." + name));
  random_ = random;
}

}  // namespace eegtorch
