// What a tensor is (shape, dtype, bytes) and how its numbers come and go. Its operators are in operators.cpp.
#include "tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CPUAllocator.h>

#include <memory>
#include <mutex>

#include "convert.h"
#include "core/dtype.h"
#include "core/shared_memory.h"
#include "errors.h"

namespace eegtorch {

namespace {

struct Bytes {
  uint8_t* data;
  size_t length;
};

Bytes bytesOf(Napi::Value buffer, int64_t offset, int64_t length) {
  if (!buffer.IsArrayBuffer()) throw Error("INVALID_OPTION", "data has the wrong type", "an ArrayBuffer");
  auto array = buffer.As<Napi::ArrayBuffer>();
  const auto size = static_cast<int64_t>(array.ByteLength());
  if (offset < 0 || length < 0 || offset > size || length > size - offset)
    throw Error("SHAPE_MISMATCH", "data lies outside of its buffer", std::to_string(size) + " bytes");
  return {static_cast<uint8_t*>(array.Data()) + offset, static_cast<size_t>(length)};
}

void requireBytes(const std::vector<int64_t>& shape, at::ScalarType dtype, size_t available) {
  int64_t bytes = static_cast<int64_t>(c10::elementSize(dtype));
  for (const int64_t size : shape) {
    if (size < 0)
      throw Error("SHAPE_MISMATCH", "a shape has a negative size", "sizes of 0 or more", std::to_string(size));
    if (__builtin_mul_overflow(bytes, size, &bytes)) throw Error("SHAPE_MISMATCH", "a shape is too large");
  }
  if (bytes != static_cast<int64_t>(available))
    throw Error("SHAPE_MISMATCH", "data and shape disagree", std::to_string(bytes) + " bytes",
                std::to_string(available));
}

// Keeps a JavaScript buffer alive as long as a tensor reads it. LibTorch may let go on any thread; the reference is
// deleted on JavaScript's. The environment may end before the tensor does: whichever comes last deletes this.
class SharedBuffer {
 public:
  SharedBuffer(Napi::Env env, Napi::ArrayBuffer buffer) : reference_(Napi::Persistent(buffer)) {
    napi_value name;
    napi_create_string_utf8(env, "eegtorch buffer", NAPI_AUTO_LENGTH, &name);
    napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, this, End, nullptr, Ignore, &release_);
    napi_unref_threadsafe_function(env, release_);
  }

  void letGo() {
    std::unique_lock lock(mutex_);
    let_go_ = true;
    if (!ended_) {
      napi_release_threadsafe_function(release_, napi_tsfn_release);  // leads to End, later
      return;
    }
    lock.unlock();
    delete this;
  }

 private:
  // Because the buffer was let go, or because the environment ends: then release_ must not be touched any more.
  static void End(napi_env, void* data, void*) {
    auto* self = static_cast<SharedBuffer*>(data);
    std::unique_lock lock(self->mutex_);
    self->reference_.Reset();
    self->ended_ = true;
    if (!self->let_go_) return;
    lock.unlock();
    delete self;
  }
  static void Ignore(napi_env, napi_value, void*, void*) {}

  Napi::Reference<Napi::ArrayBuffer> reference_;
  napi_threadsafe_function release_ = nullptr;
  std::mutex mutex_;
  bool let_go_ = false, ended_ = false;
};

// fromBuffer(buffer, offset, length, dtype, shape, share): a copy, or a tensor over the same memory.
Napi::Value FromBuffer(Environment& environment, const Napi::CallbackInfo& info) {
  const auto bytes = bytesOf(info[0], integerOf(info[1], "offset"), integerOf(info[2], "length"));
  const auto dtype = dtypeFromName(stringOf(info[3], "dtype"));
  const auto shape = integersOf(info[4], "shape");
  requireBytes(shape, dtype, bytes.length);
  if (!booleanOf(info[5], "share") || bytes.length == 0) {
    auto tensor = at::empty(shape, at::TensorOptions(dtype));
    if (bytes.length) std::memcpy(tensor.mutable_data_ptr(), bytes.data, bytes.length);
    return {info.Env(), environment.wrap(tensor)};
  }
  auto* keeper = new SharedBuffer(info.Env(), info[0].As<Napi::ArrayBuffer>());
  auto tensor = at::from_blob(bytes.data, shape, [keeper](void*) { keeper->letGo(); }, at::TensorOptions(dtype));
  beginSharing(tensor);
  return {info.Env(), environment.wrap(tensor)};
}

// toBuffer(tensor, share): its elements in row-major order. Shared only where they already lie so in CPU memory.
Napi::Value ToBuffer(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseReading(environment.tensor(info[0]));
  const auto tensor = environment.tensor(info[0]).detach().cpu().contiguous().resolve_conj().resolve_neg();
  const size_t length = tensor.numel() * tensor.element_size();
  if (booleanOf(info[1], "share") && length > 0) {
    auto* keeper = new at::Tensor(tensor);
    napi_value buffer;
    const auto status = napi_create_external_arraybuffer(
        info.Env(), tensor.data_ptr(), length,
        [](napi_env, void*, void* hint) {
          const std::unique_ptr<at::Tensor> kept(static_cast<at::Tensor*>(hint));
          endSharing(*kept);
        },
        keeper, &buffer);
    if (status == napi_ok) {
      beginSharing(tensor);
      return {info.Env(), buffer};
    }
    delete keeper;  // a runtime that forbids external memory, such as Electron: copy
  }
  auto buffer = Napi::ArrayBuffer::New(info.Env(), length);
  if (length) std::memcpy(buffer.Data(), tensor.const_data_ptr(), length);
  return buffer;
}

Napi::Value Dispose(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.table.release(numberOf(info[0], "a tensor")));
}

// The hot half of dispose: no checks, no result. A second release is harmless.
napi_value Free(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value id;
  void* data;
  napi_get_cb_info(env, info, &count, &id, nullptr, &data);
  auto& environment = *static_cast<Environment*>(data);
  double number = -1;
  napi_get_value_double(env, id, &number);
  return guarded(env, [&]() -> napi_value {
    environment.table.release(number);
    if (environment.table.hasMuchUnreported()) environment.report();
    return nullptr;
  });
}

Napi::Value Shape(Environment& environment, const Napi::CallbackInfo& info) {
  return fromIntegers(info.Env(), environment.tensor(info[0]).sizes());
}
Napi::Value Strides(Environment& environment, const Napi::CallbackInfo& info) {
  return fromIntegers(info.Env(), environment.tensor(info[0]).strides());
}
Napi::Value StorageOffset(Environment& environment, const Napi::CallbackInfo& info) {
  return fromInteger(info.Env(), environment.tensor(info[0]).storage_offset());
}
Napi::Value ElementCount(Environment& environment, const Napi::CallbackInfo& info) {
  return fromInteger(info.Env(), environment.tensor(info[0]).numel());
}
Napi::Value DtypeOf(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), dtypeName(environment.tensor(info[0]).scalar_type()));
}
Napi::Value DeviceOf(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), environment.tensor(info[0]).device().str());
}
Napi::Value LayoutOf(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), layoutName(environment.tensor(info[0]).layout()));
}
Napi::Value IsContiguous(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).is_contiguous());
}
Napi::Value IsView(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).is_view());
}

// sharesStorage(a, b)
Napi::Value SharesStorage(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& a = environment.tensor(info[0]);
  const auto& b = environment.tensor(info[1]);
  return Napi::Boolean::New(info.Env(), a.has_storage() && b.has_storage() && a.is_alias_of(b));
}

// item(tensor): the one element as number, bigint, boolean or { re, im }.
Napi::Value Item(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& tensor = environment.tensor(info[0]);
  environment.refuseReading(tensor);
  if (tensor.numel() != 1)
    throw Error("SHAPE_MISMATCH", "item needs a tensor of one element", "1 element", std::to_string(tensor.numel()));
  const at::Scalar scalar = tensor.item();
  if (scalar.isBoolean()) return Napi::Boolean::New(info.Env(), scalar.toBool());
  if (tensor.scalar_type() == at::kUInt64 && scalar.toUInt64() > INT64_MAX)
    return Napi::BigInt::New(info.Env(), scalar.toUInt64());
  if (scalar.isIntegral(false)) return fromInteger(info.Env(), scalar.toLong());
  if (scalar.isFloatingPoint()) return Napi::Number::New(info.Env(), scalar.toDouble());
  const auto number = scalar.toComplexDouble();
  auto result = Napi::Object::New(info.Env());
  result.Set("re", number.real());
  result.Set("im", number.imag());
  return result;
}

}  // namespace

void exportTensor(Environment& environment, Napi::Object exports) {
  const auto env = exports.Env();
  napi_value free;
  napi_create_function(env, "free", NAPI_AUTO_LENGTH, Free, &environment, &free);
  exports.Set("free", Napi::Value(env, free));
  exports.Set("dispose", Napi::Function::New<callback<Dispose>>(env));
  exports.Set("fromBuffer", Napi::Function::New<callback<FromBuffer>>(env));
  exports.Set("toBuffer", Napi::Function::New<callback<ToBuffer>>(env));
  exports.Set("shape", Napi::Function::New<callback<Shape>>(env));
  exports.Set("strides", Napi::Function::New<callback<Strides>>(env));
  exports.Set("storageOffset", Napi::Function::New<callback<StorageOffset>>(env));
  exports.Set("elementCount", Napi::Function::New<callback<ElementCount>>(env));
  exports.Set("dtype", Napi::Function::New<callback<DtypeOf>>(env));
  exports.Set("device", Napi::Function::New<callback<DeviceOf>>(env));
  exports.Set("layout", Napi::Function::New<callback<LayoutOf>>(env));
  exports.Set("isContiguous", Napi::Function::New<callback<IsContiguous>>(env));
  exports.Set("isView", Napi::Function::New<callback<IsView>>(env));
  exports.Set("sharesStorage", Napi::Function::New<callback<SharesStorage>>(env));
  exports.Set("item", Napi::Function::New<callback<Item>>(env));
}

}  // namespace eegtorch
