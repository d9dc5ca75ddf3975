// The native training step as JavaScript sees it: an object by number, and calls that return promises.
#include "trainer.h"

#include <ATen/ops/clone.h>
#include <ATen/ops/index_select.h>

#include "convert.h"
#include "core/scopes.h"
#include "core/state_dict.h"
#include "core/thread_team.h"
#include "distributed.h"
#include "errors.h"
#include "model.h"
#include "training/train_step.h"

namespace eegtorch {
namespace {

constexpr const char* kKind = "training step";

// The step and its network, whose weights belong to every snapshot. `model->mutex` is held while either is used.
struct Trainer {
  std::shared_ptr<ModelHandle> model;
  TrainStep step;
};

std::shared_ptr<Trainer> trainerOf(Environment& environment, Napi::Value id) {
  return std::static_pointer_cast<Trainer>(environment.object(numberOf(id, "a training step"), kKind));
}

// createTrainStep(model, loss, optimizer, options, process group | null) -> number
Napi::Value createTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  const auto model = modelOf(environment, info[0]);
  auto group = info[4].IsNull() ? nullptr : processGroupOf(environment, info[4]);
  auto trainer = std::make_shared<Trainer>(
      Trainer{model, TrainStep(model->module, valueOf(info[1]), valueOf(info[2]), valueOf(info[3]), std::move(group))});
  return Napi::Number::New(info.Env(), environment.addObject(std::move(trainer), kKind));
}

Napi::Value releaseTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.removeObject(numberOf(info[0], "a training step")));
}

Batch batchOf(Environment& environment, Napi::Value inputs, Napi::Value targets) {
  return {environment.tensors(inputs), environment.tensors(targets)};
}

Napi::Value optionalNumber(Napi::Env env, const std::optional<int64_t>& value) {
  return value ? Napi::Number::New(env, static_cast<double>(*value)) : env.Null();
}

// runTrainStep(step, inputs, targets, rate factor) -> {loss, gradNorm, skipped, correct, count}
Napi::Value runTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [trainer = trainerOf(environment, info[0]), batch = batchOf(environment, info[1], info[2]),
               factor = numberOf(info[3], "the rate's factor")](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    trainer->step.setRateFactor(factor);
    spreadThreadTeam();
    return [result = trainer->step.run(batch)](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object["loss"] = Napi::Number::New(env, result.loss);
      object["gradNorm"] = Napi::Number::New(env, result.grad_norm);
      object["skipped"] = Napi::Boolean::New(env, result.skipped);
      object["correct"] = optionalNumber(env, result.correct);
      object["count"] = Napi::Number::New(env, static_cast<double>(result.count));
      object["mass"] = Napi::Number::New(env, result.mass);
      return object;
    };
  };
  return environment.runAsync(std::move(work));
}

// evaluateTrainStep(step, inputs, targets) -> {outputs, loss, correct, count}
Napi::Value evaluateTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [&environment, trainer = trainerOf(environment, info[0]),
               batch = batchOf(environment, info[1], info[2])](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    spreadThreadTeam();
    return [&environment, result = trainer->step.evaluate(batch)](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object["outputs"] = environment.wrapAll(result.outputs);
      object["loss"] = result.loss ? Napi::Number::New(env, *result.loss) : env.Null();
      object["correct"] = optionalNumber(env, result.correct);
      object["count"] = Napi::Number::New(env, static_cast<double>(result.count));
      object["mass"] = Napi::Number::New(env, result.mass);
      return object;
    };
  };
  return environment.runAsync(std::move(work));
}

NamedTensors clones(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace_back(name, tensor.detach().clone());
  return copies;
}

// snapshotTrainStep(step) -> {model: [name, tensor][], training: [name, tensor][]}: copies as of this place in the
// queue.
Napi::Value snapshotTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [&environment, trainer = trainerOf(environment, info[0])](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    auto model = clones(stateDict(*trainer->model->module));
    auto training = clones(trainer->step.state());
    return [&environment, model = std::move(model), training = std::move(training)](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object["model"] = environment.wrapNamed(model);
      object["training"] = environment.wrapNamed(training);
      return object;
    };
  };
  return environment.runAsync(std::move(work));
}

// restoreTrainStep(step, model, training | null): the model's weights, and where training stood.
Napi::Value restoreTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  const bool whole = !info[2].IsNull();
  auto work = [trainer = trainerOf(environment, info[0]), model = environment.namedTensors(info[1]), whole,
               training = whole ? environment.namedTensors(info[2])
                                : NamedTensors()](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    const auto restore = whole ? trainer->step.restoring(training) : [] {};
    loadStateDict(*trainer->model->module, model, trainer->model->entry->name);
    restore();
    return [](Napi::Env env) { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

// synchroniseTrainStep(step): in every process of the group, what process 0 has.
Napi::Value synchroniseTrainStep(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [trainer = trainerOf(environment, info[0])](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    trainer->step.synchronise();
    return [](Napi::Env env) { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

// reductionFigures(step) -> {num_buckets, avg_backward_comm_time, ...}
Napi::Value reductionFigures(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [trainer = trainerOf(environment, info[0])](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(trainer->model->mutex);
    return [figures = trainer->step.reductionFigures()](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      for (const auto& [name, value] : figures) object[name] = fromInteger(env, value);
      return object;
    };
  };
  return environment.runAsync(std::move(work));
}

// gatherRows(tensors, indices tensor) -> tensors: the examples of a batch, copied on the compute thread.
Napi::Value gatherRows(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [&environment, tensors = environment.tensors(info[0]),
               indices = environment.tensor(info[1])](const Cancellation&) -> Environment::Finish {
    Tensors rows;
    for (const auto& tensor : tensors) rows.push_back(at::index_select(tensor, 0, indices.to(tensor.device())));
    return [&environment, rows = std::move(rows)](Napi::Env) { return environment.wrapAll(rows); };
  };
  return environment.runAsync(std::move(work));
}

Value describeFields(const ConfigDescription& fields) {
  ValueList list;
  for (const auto& field : fields)
    list.push_back(
        ValueMap{{"name", field.name}, {"type", field.type}, {"default", field.default_value}, {"doc", field.doc}});
  return list;
}

// augmentBatch(augmentations, inputs, targets, seed | null) -> {inputs, targets}
Napi::Value augmentBatch(Environment& environment, const Napi::CallbackInfo& info) {
  const Value described = valueOf(info[0]);
  std::optional<int64_t> seed;
  if (!info[3].IsNull()) seed = static_cast<int64_t>(numberOf(info[3], "a seed"));
  auto work = [&environment, augmenter = std::make_shared<Augmenter>(&described), seed,
               batch = batchOf(environment, info[1], info[2])](const Cancellation&) -> Environment::Finish {
    c10::NoGradGuard no_grad;
    at::Tensor random = seed ? seedState(*seed) : at::Tensor();
    RandomScope scope(random);
    Batch result = batch;
    augmenter->run(result.inputs, result.targets);
    return [&environment, result = std::move(result)](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object["inputs"] = environment.wrapAll(result.inputs);
      object["targets"] = environment.wrapAll(result.targets);
      return object;
    };
  };
  return environment.runAsync(std::move(work));
}

// applyAugmentation(augmentation, inputs, draws) -> tensor: what follows from draws that are given.
Napi::Value applyAugmentation(Environment& environment, const Napi::CallbackInfo& info) {
  c10::NoGradGuard no_grad;
  const auto augmentation = makeAugmentation(valueOf(info[0]));
  const at::Tensor inputs = environment.tensor(info[1]);
  augmentation->check(inputs);
  return {info.Env(), environment.wrap(augmentation->apply(inputs, environment.tensors(info[2]), inputs))};
}

template <class Entry>
Value describeTable(const std::vector<Entry>& table) {
  ValueList list;
  for (const auto& entry : table)
    list.push_back(ValueMap{{"name", entry.name}, {"doc", entry.doc}, {"fields", describeFields(entry.describe())}});
  return list;
}

Value describeAugmentations() {
  ValueList list = *describeTable(augmentations()).get<ValueList>();
  list.push_back(ValueMap{{"name", "mixup"},
                          {"doc", "pairs of examples and their labels, mixed (Zhang et al. 2018)"},
                          {"fields", describeFields(describeConfig<MixupConfig>())}});
  return list;
}

// describeTraining() -> {objectives, optimizers, augmentations, step}: what the types and the documentation are made
// from.
Napi::Value describeTraining(Environment&, const Napi::CallbackInfo& info) {
  return fromValue(info.Env(), ValueMap{{"objectives", describeTable(objectives())},
                                        {"optimizers", describeTable(optimizers())},
                                        {"augmentations", describeAugmentations()},
                                        {"step", describeFields(describeConfig<TrainStepConfig>())}});
}

}  // namespace

void exportTrainer(Environment& environment, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(environment.env(), function, name));
  };
  add("createTrainStep", callback<createTrainStep>);
  add("releaseTrainStep", callback<releaseTrainStep>);
  add("runTrainStep", callback<runTrainStep>);
  add("evaluateTrainStep", callback<evaluateTrainStep>);
  add("snapshotTrainStep", callback<snapshotTrainStep>);
  add("restoreTrainStep", callback<restoreTrainStep>);
  add("synchroniseTrainStep", callback<synchroniseTrainStep>);
  add("reductionFigures", callback<reductionFigures>);
  add("gatherRows", callback<gatherRows>);
  add("augmentBatch", callback<augmentBatch>);
  add("applyAugmentation", callback<applyAugmentation>);
  add("describeTraining", callback<describeTraining>);
}

}  // namespace eegtorch
