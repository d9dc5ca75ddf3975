#include "tensor_table.h"

#include "core/error.h"

namespace eegtorch {

namespace {

// A view holds no bytes of its own: they were counted with the tensor that owns the storage. A meta tensor holds none
// at all, whatever its shape claims: V8 ends the process when told of 2^63 bytes.
int64_t ownedBytes(const at::Tensor& tensor) {
  if (tensor.is_meta() || !tensor.has_storage() || tensor.storage().use_count() > 1) return 0;
  return static_cast<int64_t>(tensor.storage().nbytes());
}

}  // namespace

double TensorTable::put(at::Tensor tensor) {
  uint32_t index;
  if (free_.empty()) {
    if (slots_.size() >> kSlotBits) throw Error("OUT_OF_MEMORY", "too many live tensors", "at most 16,777,216");
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.bytes = kHandleBytes + ownedBytes(tensor);
  slot.tensor = std::move(tensor);
  account(slot.bytes);
  live_++;
  return static_cast<double>((static_cast<uint64_t>(slot.generation) << kSlotBits) | index);
}

TensorTable::Slot* TensorTable::find(double id) {
  if (!(id >= 0 && id < 9007199254740992.0)) return nullptr;
  const auto number = static_cast<uint64_t>(id);
  const uint64_t index = number & ((1u << kSlotBits) - 1);
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.generation == (number >> kSlotBits) && slot.tensor.defined() ? &slot : nullptr;
}

at::Tensor& TensorTable::get(double id) {
  if (Slot* slot = find(id)) return slot->tensor;
  throw Error("USED_AFTER_DISPOSE", "this tensor was used after it was disposed of, or its scope had ended");
}

bool TensorTable::release(double id) {
  Slot* slot = find(id);
  if (!slot) return false;
  slot->tensor.reset();
  account(-slot->bytes);
  live_--;
  // A slot whose generations are spent is never used again: its old numbers would come back to life.
  if (slot->generation++ < kLastGeneration) free_.push_back(static_cast<uint32_t>(slot - slots_.data()));
  return true;
}

int64_t TensorTable::takeUnreported() { return std::exchange(unreported_, 0); }

}  // namespace eegtorch
