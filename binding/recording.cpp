// Functions noted once and replayed in one crossing, and networks that are made of such recordings.
#include "recording.h"

#include "convert.h"
#include "core/captured_tape.h"
#include "core/recorded_model.h"
#include "core/tape.h"
#include "core/thread_team.h"
#include "errors.h"
#include "model.h"

namespace eegtorch {

namespace {

constexpr const char* kKind = "recording";

// What a function did, and the graph of it where that is wanted.
struct Recording {
  std::shared_ptr<const Tape> tape;
  std::unique_ptr<CapturedTape> captured;

  Tensors replay(const Tensors& inputs) const {
    spreadThreadTeam();
    return captured ? captured->replay(inputs) : tape->replay(inputs);
  }
};

std::shared_ptr<const Recording> recordingOf(Environment& environment, Napi::Value id) {
  return std::static_pointer_cast<const Recording>(environment.object(numberOf(id, "a recording"), kKind));
}

// startRecording(inputs, cudaGraph): until finishRecording, every operator called on this thread is noted.
Napi::Value StartRecording(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("be recorded within another");
  const auto inputs = environment.tensors(info[0]);
  if (booleanOf(info[1], "cudaGraph")) commonGpu(inputs);
  environment.recorder = std::make_unique<TapeRecorder>(inputs);
  return info.Env().Undefined();
}

// finishRecording(outputs | null, cudaGraph) -> number; null forgets what was noted.
Napi::Value FinishRecording(Environment& environment, const Napi::CallbackInfo& info) {
  const auto recorder = std::move(environment.recorder);
  if (!recorder || info[0].IsNull()) return info.Env().Null();
  auto recording = std::make_shared<Recording>();
  recording->tape = std::make_shared<Tape>(recorder->finish(environment.tensors(info[0])));
  if (booleanOf(info[1], "cudaGraph"))
    recording->captured = std::make_unique<CapturedTape>(recording->tape, at::GradMode::is_enabled());
  return Napi::Number::New(info.Env(), environment.addObject(std::move(recording), kKind));
}

// replay(recording, inputs) -> outputs
Napi::Value Replay(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("replay another: call the function that was recorded");
  return environment.wrapAll(recordingOf(environment, info[0])->replay(environment.tensors(info[1])));
}

// replayAsync(recording, inputs): the same on the compute thread.
Napi::Value ReplayAsync(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("replay another asynchronously");
  return environment.runAsync([&environment, recording = recordingOf(environment, info[0]),
                               inputs = environment.tensors(info[1])](const Cancellation&) -> Environment::Finish {
    return [&environment, outputs = recording->replay(inputs)](Napi::Env) { return environment.wrapAll(outputs); };
  });
}

// makeRecordedModel(name, parameters, buffers) -> number of a model, which takes the inputs that it is recorded for.
Napi::Value MakeRecordedModel(Environment& environment, const Napi::CallbackInfo& info) {
  auto entry = std::make_shared<RegistryEntry>();
  entry->name = stringOf(info[0], "name");
  auto handle = std::make_shared<ModelHandle>();
  handle->entry = entry;
  handle->module =
      std::make_shared<RecordedModelImpl>(environment.namedTensors(info[1]), environment.namedTensors(info[2]));
  return Napi::Number::New(info.Env(), addModel(environment, handle));
}

// addTape(model, training, inputs, recording): what the model does with inputs of these shapes.
Napi::Value AddTape(Environment& environment, const Napi::CallbackInfo& info) {
  const auto model = std::dynamic_pointer_cast<RecordedModelImpl>(modelOf(environment, info[0])->module);
  if (!model) throw Error("INTERNAL", "this model takes no recordings");
  model->addTape(booleanOf(info[1], "training"), environment.tensors(info[2]), recordingOf(environment, info[3])->tape);
  return info.Env().Undefined();
}

}  // namespace

void exportRecording(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("startRecording", Napi::Function::New<callback<StartRecording>>(env));
  exports.Set("finishRecording", Napi::Function::New<callback<FinishRecording>>(env));
  exports.Set("replay", Napi::Function::New<callback<Replay>>(env));
  exports.Set("replayAsync", Napi::Function::New<callback<ReplayAsync>>(env));
  exports.Set("makeRecordedModel", Napi::Function::New<callback<MakeRecordedModel>>(env));
  exports.Set("addTape", Napi::Function::New<callback<AddTape>>(env));
}

}  // namespace eegtorch
