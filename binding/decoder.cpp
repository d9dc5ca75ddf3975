// Language models: texts that they continue on the compute thread, and adapters that become part of their weights.
#include "decoder.h"

#include "convert.h"
#include "errors.h"
#include "llama/decoder.h"
#include "model.h"

namespace eegtorch {

namespace {

constexpr const char* kKind = "decoder";

struct DecoderHandle {
  std::shared_ptr<ModelHandle> model;  // outlives the decoder
  std::unique_ptr<Decoder> decoder;    // made on the compute thread
};

LlamaImpl& llamaOf(const ModelHandle& handle) {
  if (auto* llama = dynamic_cast<LlamaImpl*>(handle.module.get())) return *llama;
  throw Error("INVALID_OPTION", "only language models continue texts", "llama or llama_lora", handle.entry->name);
}

at::Tensor tensorOrNone(Environment& environment, Napi::Value id) {
  return id.IsNull() ? at::Tensor() : environment.tensor(id);
}

// Texts go on without dropout, whatever the mode of the network is.
class EvalScope {
 public:
  explicit EvalScope(ModelImpl& module) : module_(module), training_(module.is_training()) {
    if (training_) module_.eval();
  }
  ~EvalScope() {
    if (training_) module_.train();
  }
  EvalScope(const EvalScope&) = delete;

 private:
  ModelImpl& module_;
  bool training_;
};

// makeDecoder(model, words | null, prefix | null, whether it stands behind the words, mask | null, options,
// cancellation?) -> promise of a number
Napi::Value MakeDecoder(Environment& environment, const Napi::CallbackInfo& info) {
  auto handle = std::make_shared<DecoderHandle>();
  handle->model = modelOf(environment, info[0]);
  auto& llama = llamaOf(*handle->model);
  const Beginning beginning{tensorOrNone(environment, info[1]), tensorOrNone(environment, info[2]),
                            booleanOf(info[3], "prefix_behind"), tensorOrNone(environment, info[4])};
  const auto options = readConfig<DecodeOptions>(valueOf(info[5]), "generate");
  auto work = [&environment, &llama, handle, beginning, options](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(handle->model->mutex);
    handle->decoder = std::make_unique<Decoder>(llama, beginning, options);
    return [&environment, handle](Napi::Env env) -> Napi::Value {
      return Napi::Number::New(env, environment.addObject(handle, kKind));
    };
  };
  return environment.runAsync(std::move(work), environment.cancellation(info[6]));
}

// decoderNext(decoder, cancellation?) -> {tokens, finished}: the next token of each text.
Napi::Value DecoderNext(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle =
      std::static_pointer_cast<DecoderHandle>(environment.object(numberOf(info[0], "a decoder"), kKind));
  auto work = [handle](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(handle->model->mutex);
    const EvalScope eval(*handle->model->module);
    auto& decoder = *handle->decoder;
    if (decoder.finished()) throw Error("INVALID_OPTION", "the text has ended already");
    const auto tokens = decoder.next();
    return [tokens, finished = decoder.finished()](Napi::Env env) -> Napi::Value {
      auto result = Napi::Object::New(env);
      result["tokens"] = fromIntegers(env, {tokens.const_data_ptr<int64_t>(), static_cast<size_t>(tokens.numel())});
      result["finished"] = Napi::Boolean::New(env, finished);
      return result;
    };
  };
  return environment.runAsync(std::move(work), environment.cancellation(info[1]));
}

// llamaEmbed(model, ids) -> embeddings (..., hidden_size), as the model itself looks them up
Napi::Value LlamaEmbed(Environment& environment, const Napi::CallbackInfo& info) {
  const auto handle = modelOf(environment, info[0]);
  const auto ids = environment.tensor(info[1]);
  const std::lock_guard lock(handle->mutex);
  return Napi::Value(info.Env(), environment.wrap(llamaOf(*handle).embed(ids).detach()));
}

// llamaMerge(model, name, a, b, scale): weight += scale * b a, for the projection of this name.
Napi::Value LlamaMerge(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [handle = modelOf(environment, info[0]), name = stringOf(info[1], "a projection"),
               a = environment.tensor(info[2]), b = environment.tensor(info[3]),
               scale = numberOf(info[4], "scale")](const Cancellation&) -> Environment::Finish {
    const std::lock_guard lock(handle->mutex);
    llamaOf(*handle).merge(name, a, b, scale);
    return [](Napi::Env env) { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

}  // namespace

void exportDecoder(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("makeDecoder", Napi::Function::New<callback<MakeDecoder>>(env));
  exports.Set("decoderNext", Napi::Function::New<callback<DecoderNext>>(env));
  exports.Set("llamaEmbed", Napi::Function::New<callback<LlamaEmbed>>(env));
  exports.Set("llamaMerge", Napi::Function::New<callback<LlamaMerge>>(env));
}

}  // namespace eegtorch
