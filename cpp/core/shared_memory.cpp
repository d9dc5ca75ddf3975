#include "core/shared_memory.h"

#include <c10/core/Storage.h>

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace eegtorch {

namespace {

constexpr size_t kFew = 64;

struct Entry {
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;  // weak: its address is not given to another meanwhile
  uint64_t changes = 0;
  int64_t holders = 0;
};

class Registry {
 public:
  void change(const at::Tensor& tensor, int64_t holders) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= enough_) forgetGone();
    const auto [found, is_new] =
        entries_.try_emplace(tensor.storage().unsafeGetStorageImpl(), Entry{tensor.storage().getWeakStorageImpl()});
    found->second.changes++;
    found->second.holders += holders;
    used_ = true;
  }

  Sharing find(const at::Tensor& tensor) {
    if (!used_) return {};
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(tensor.storage().unsafeGetStorageImpl());
    if (found == entries_.end()) return {};
    return {found->second.changes, found->second.holders > 0};
  }

 private:
  void forgetGone() {
    std::erase_if(entries_, [](const auto& entry) { return entry.second.storage.expired(); });
    enough_ = 2 * entries_.size() + kFew;
  }

  std::mutex mutex_;
  std::unordered_map<const c10::StorageImpl*, Entry> entries_;
  size_t enough_ = kFew;
  std::atomic<bool> used_ = false;  // most programs share nothing
};

// Never destroyed: arrays may be let go at exit.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

}  // namespace

void beginSharing(const at::Tensor& tensor) { registry().change(tensor, 1); }
void endSharing(const at::Tensor& tensor) { registry().change(tensor, -1); }
Sharing sharingOf(const at::Tensor& tensor) { return registry().find(tensor); }

}  // namespace eegtorch
