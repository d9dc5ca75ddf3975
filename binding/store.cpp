#include "store.h"

#include <deque>

#include "convert.h"
#include "errors.h"
#include "store/lmdb_writer.h"
#include "store/prefetcher.h"
#include "tensor_request.h"

namespace eegtorch {

namespace {

constexpr const char* kWriter = "LMDB writer";
constexpr const char* kFile = "window file";
constexpr const char* kLoader = "store loader";

// Elements of a typed array, copied.
template <class Array>
auto elementsOf(Napi::Value value, napi_typedarray_type type, const char* what) {
  using Element = std::remove_pointer_t<decltype(std::declval<Array>().Data())>;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw Error("INVALID_OPTION", std::string(what) + " has the wrong type", "a typed array");
  const auto array = value.As<Array>();
  return std::vector<Element>(array.Data(), array.Data() + array.ElementLength());
}

// openLmdbWriter(folder) -> number
Napi::Value openLmdbWriter(Environment& environment, const Napi::CallbackInfo& info) {
  auto writer = std::make_shared<LmdbWriter>(stringOf(info[0], "folder"));
  return Napi::Number::New(info.Env(), environment.addObject(std::move(writer), kWriter));
}

std::shared_ptr<LmdbWriter> writerOf(Environment& environment, Napi::Value id) {
  return std::static_pointer_cast<LmdbWriter>(environment.object(numberOf(id, "an LMDB writer"), kWriter));
}

// writeLmdb(writer, keys, values) -> promise, when they are on disk
Napi::Value writeLmdb(Environment& environment, const Napi::CallbackInfo& info) {
  const auto keys = arrayOf(info[1], "keys"), values = arrayOf(info[2], "values");
  if (keys.Length() != values.Length()) throw Error("INVALID_OPTION", "there must be a value for each key");
  auto entries = std::make_shared<std::vector<LmdbEntry>>(keys.Length());
  for (uint32_t i = 0; i < keys.Length(); i++) {
    const Napi::HandleScope scope(info.Env());
    (*entries)[i] = {stringOf(keys.Get(i), "a key"), bytesFrom(values.Get(i), "a value")};
  }
  auto work = [writer = writerOf(environment, info[0]), entries](const Cancellation&) -> Environment::Finish {
    writer->write(*entries);
    return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
  };
  return environment.runAsync(std::move(work));
}

// closeLmdbWriter(writer)
Napi::Value closeLmdbWriter(Environment& environment, const Napi::CallbackInfo& info) {
  writerOf(environment, info[0])->close();
  return Napi::Boolean::New(info.Env(), environment.removeObject(numberOf(info[0], "an LMDB writer")));
}

struct LabelledFile {
  std::shared_ptr<const WindowFile> file;
  std::shared_ptr<const std::vector<int64_t>> labels;
};

// openWindowFile(path, file size, type, channels, samples, offsets, checksums, labels) -> number
Napi::Value openWindowFile(Environment& environment, const Napi::CallbackInfo& info) {
  WindowFileLayout layout;
  layout.path = stringOf(info[0], "path");
  layout.file_size = static_cast<uint64_t>(integerOf(info[1], "file size"));
  layout.type = sampleTypeFromName(stringOf(info[2], "type"));
  layout.channels = integerOf(info[3], "channels");
  layout.samples = integerOf(info[4], "samples");
  for (const double offset : elementsOf<Napi::Float64Array>(info[5], napi_float64_array, "offsets"))
    layout.offsets.push_back(static_cast<uint64_t>(offset));
  layout.checksums = elementsOf<Napi::Uint32Array>(info[6], napi_uint32_array, "checksums");
  const auto given = elementsOf<Napi::Int32Array>(info[7], napi_int32_array, "labels");
  auto labels = std::make_shared<const std::vector<int64_t>>(given.begin(), given.end());
  if (labels->size() != layout.offsets.size()) throw Error("INVALID_OPTION", "there must be a label for each window");
  auto file = std::make_shared<const WindowFile>(std::move(layout));
  auto labelled = std::make_shared<LabelledFile>(LabelledFile{std::move(file), std::move(labels)});
  return Napi::Number::New(info.Env(), environment.addObject(std::move(labelled), kFile));
}

// Promises of batches, and the threads that gather these.
struct Loader : std::enable_shared_from_this<Loader> {
  explicit Loader(Environment& environment) : environment(environment) {}
  Loader(const Loader&) = delete;
  ~Loader() {
    close();
    if (ready == nullptr) return;
    napi_remove_env_cleanup_hook(environment.env(), stopThreads, this);
    napi_release_threadsafe_function(ready, napi_tsfn_abort);
  }

  void start(const std::shared_ptr<LabelledFile>& from, std::vector<std::vector<int64_t>> batches,
             PrefetchOptions options) {
    using Weak = std::weak_ptr<Loader>;
    const auto forget = [](napi_env, void*, void* context) { delete static_cast<Weak*>(context); };
    napi_value name;
    napi_create_string_utf8(environment.env(), "eegtorch store", NAPI_AUTO_LENGTH, &name);
    auto* weak = new Weak(weak_from_this());
    napi_create_threadsafe_function(environment.env(), nullptr, nullptr, name, 0, 1, nullptr, forget, weak, arrived,
                                    &ready);
    napi_unref_threadsafe_function(environment.env(), ready);
    // After the thread-safe function's own hook, so it runs before it: hooks run last to first.
    napi_add_env_cleanup_hook(environment.env(), stopThreads, this);
    prefetcher = std::make_unique<Prefetcher>(
        from->file, from->labels, std::move(batches), std::move(options),
        [ready = ready] { napi_call_threadsafe_function(ready, nullptr, napi_tsfn_nonblocking); });
  }

  Napi::Value next() {
    waiting.push_back(Napi::Promise::Deferred::New(environment.env()));
    const auto promise = waiting.back().Promise();
    if (waiting.size() == 1) napi_ref_threadsafe_function(environment.env(), ready);
    deliver();
    return promise;
  }

  // Gives what is ready to those who wait, in order.
  void deliver() {
    while (!waiting.empty()) {
      decltype(prefetcher->take()) batch;
      std::exception_ptr failure;
      try {
        batch = prefetcher->take();
        if (!batch) return;
      } catch (...) {
        failure = std::current_exception();
      }
      settle(waiting.front(), [&] {
        if (failure) std::rethrow_exception(failure);
        auto ids = Napi::Array::New(environment.env(), 2);
        ids.Set(0u, Napi::Value(environment.env(), environment.wrap(std::move(batch->inputs))));
        ids.Set(1u, Napi::Value(environment.env(), environment.wrap(std::move(batch->targets))));
        return ids;
      });
      waiting.pop_front();
    }
    napi_unref_threadsafe_function(environment.env(), ready);
  }

  void close() {
    if (prefetcher) prefetcher->stop();
  }

  // The environment is closing, and its thread-safe functions with it.
  static void stopThreads(void* self) {
    static_cast<Loader*>(self)->close();
    static_cast<Loader*>(self)->ready = nullptr;
  }

  static void arrived(napi_env env, napi_value, void* context, void*) {
    if (env == nullptr) return;  // it is closing, and the context may be gone
    const auto loader = static_cast<std::weak_ptr<Loader>*>(context)->lock();
    if (loader == nullptr) return;
    const Napi::HandleScope scope(env);
    loader->deliver();
  }

  Environment& environment;
  napi_threadsafe_function ready = nullptr;
  std::deque<Napi::Promise::Deferred> waiting;
  std::unique_ptr<Prefetcher> prefetcher;
};

PrefetchOptions optionsOf(Napi::Object given) {
  PrefetchOptions options;
  options.threads = integerOf(given.Get("threads"), "threads");
  options.depth = integerOf(given.Get("depth"), "depth");
  options.pinned = booleanOf(given.Get("pinned"), "pinned");
  if (options.threads < 1 || options.threads > 1024 || options.depth < 1)
    throw Error("INVALID_OPTION", "the loader's threads are not usable", "1 to 1024", std::to_string(options.threads));
  if (!given.Has("mean")) return options;
  options.mean = elementsOf<Napi::Float64Array>(given.Get("mean"), napi_float64_array, "mean");
  options.factor = elementsOf<Napi::Float64Array>(given.Get("factor"), napi_float64_array, "factor");
  return options;
}

// rows, and where each batch ends in them.
std::vector<std::vector<int64_t>> batchesOf(Napi::Value rows, Napi::Value ends, int64_t windows) {
  const auto all = elementsOf<Napi::Int32Array>(rows, napi_int32_array, "rows");
  std::vector<std::vector<int64_t>> batches;
  size_t from = 0;
  for (const int32_t row : all)
    if (row < 0 || row >= windows) throw Error("INVALID_OPTION", "there is no window " + std::to_string(row));
  for (const int32_t end : elementsOf<Napi::Int32Array>(ends, napi_int32_array, "ends")) {
    const auto to = static_cast<size_t>(end);
    if (end < 0 || to < from || to > all.size()) throw Error("INVALID_OPTION", "batches must end in order");
    batches.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(from),
                         all.begin() + static_cast<std::ptrdiff_t>(to));
    from = to;
  }
  return batches;
}

// startLoader(file, rows, ends, options) -> number
Napi::Value startLoader(Environment& environment, const Napi::CallbackInfo& info) {
  const auto from =
      std::static_pointer_cast<LabelledFile>(environment.object(numberOf(info[0], "a window file"), kFile));
  auto options = optionsOf(info[3].As<Napi::Object>());
  const auto channels = static_cast<size_t>(from->file->channels());
  if (options.mean.size() != options.factor.size() || (!options.mean.empty() && options.mean.size() != channels))
    throw Error("SHAPE_MISMATCH", "a store's scale needs a mean and a factor for each channel",
                std::to_string(channels), std::to_string(options.mean.size()));
  auto loader = std::make_shared<Loader>(environment);
  loader->start(from, batchesOf(info[1], info[2], from->file->length()), std::move(options));
  return Napi::Number::New(info.Env(), environment.addObject(std::move(loader), kLoader));
}

// nextBatch(loader) -> promise of [inputs, targets]
Napi::Value nextBatch(Environment& environment, const Napi::CallbackInfo& info) {
  const auto loader =
      std::static_pointer_cast<Loader>(environment.object(numberOf(info[0], "a store loader"), kLoader));
  return loader->next();
}

}  // namespace

void exportStore(Environment& environment, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(environment.env(), function, name));
  };
  add("openLmdbWriter", callback<openLmdbWriter>);
  add("writeLmdb", callback<writeLmdb>);
  add("closeLmdbWriter", callback<closeLmdbWriter>);
  add("openWindowFile", callback<openWindowFile>);
  add("startLoader", callback<startLoader>);
  add("nextBatch", callback<nextBatch>);
}

}  // namespace eegtorch
