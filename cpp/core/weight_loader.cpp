#include "core/weight_loader.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <sys/mman.h>
#include <torch/utils.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/error.h"
#include "core/tensor_file.h"

namespace eegtorch {

namespace {

// Storages that several tensors read: each then needs memory of its own, or training one would change the other.
std::unordered_set<const c10::StorageImpl*> sharedStorages(const NamedTensors& tensors) {
  std::unordered_set<const c10::StorageImpl*> seen, shared;
  for (const auto& [name, tensor] : tensors) {
    const auto* storage = tensor.storage().unsafeGetStorageImpl();
    if (!seen.insert(storage).second) shared.insert(storage);
  }
  return shared;
}

// What a thread reads and converts at a time: some huge pages. Threads take piece after piece, so that none waits long
// for another.
constexpr int64_t kPieceElements = int64_t{1} << 20;
constexpr uint64_t kSmallestInPieces = uint64_t{1}
                                       << 20;  // bytes; less is converted at once, into the allocator's memory

enum class Access { read, write };

// Brings the pages of a piece in by one call; touching them would fault for every few. Where that cannot be done it
// happens as they are touched.
void bringPages(const at::Tensor& piece, Access access) {
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(piece.const_data_ptr());
  const uintptr_t begin = address / page * page;
  const int advice = access == Access::read ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
  ::madvise(reinterpret_cast<void*>(begin), address + piece.nbytes() - begin, advice);
#endif
}

// Memory for some elements, in pages of its own; huge ones take a quarter of the time off. (The allocator always asks
// for them, which pays in a training step.)
struct Pages {
  at::Tensor tensor;
  bool huge;
};

Pages emptyPages(at::IntArrayRef sizes, at::TensorOptions options, HugePages& huge_pages) {
  constexpr uint64_t size = HugePages::kSize;
  const uint64_t bytes = static_cast<uint64_t>(c10::multiply_integers(sizes)) * options.dtype().itemsize();
  const uint64_t reserved = bytes + size;
  void* pages = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    throw Error("OUT_OF_MEMORY", "no memory for a tensor of " + std::to_string(bytes) + " bytes");
  auto* first = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(pages) + size - 1) / size * size);
  const bool huge = huge_pages.askFor(first, bytes);
  const auto unmap = [pages, reserved](void*) { ::munmap(pages, reserved); };
  return {at::from_blob(first, sizes, unmap, options), huge};
}

// given.to(dtype), in pieces: each thread brings in pages while others convert.
at::Tensor convert(const at::Tensor& given, at::ScalarType dtype, HugePages& huge_pages) {
  using Clock = std::chrono::steady_clock;
  if (given.nbytes() < kSmallestInPieces || !given.is_contiguous()) return given.to(dtype);
  const auto [result, huge] = emptyPages(given.sizes(), given.options().dtype(dtype), huge_pages);
  const at::Tensor from = given.view(-1), to = result.view(-1);
  std::atomic<Clock::rep> bringing = 0;  // of all threads
  const auto convertPiece = [&](int64_t at) {
    const int64_t count = std::min(kPieceElements, from.numel() - at);
    const at::Tensor source = from.narrow(0, at, count), target = to.narrow(0, at, count);
    bringPages(source, Access::read);
    const auto begin = Clock::now();
    bringPages(target, Access::write);
    bringing += (Clock::now() - begin).count();
    target.copy_(source);
  };
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    const torch::NoGradGuard frozen;
    for (int64_t at; (at = next.fetch_add(kPieceElements)) < from.numel();) convertPiece(at);
  });
  if (huge) huge_pages.brought(result.nbytes(), Clock::duration(bringing));
  return result;
}

}  // namespace

WeightLoader::WeightLoader(Model module, NamedTensors weights, const Placement& placement,
                           const std::vector<std::string>& kept, const std::string& name)
    : module_(std::move(module)),
      dense_(denseWeights(*module_)),
      full_precision_(fullPrecisionNames(*module_)),
      placement_(placement) {
  for (const auto& [key, tensor] : stateDict(*module_)) own_.emplace(key, tensor);
  const auto isGiven = [&](const std::string& key) {
    return std::any_of(weights.begin(), weights.end(), [&](const auto& item) { return item.first == key; });
  };
  for (const auto& key : kept)
    if (own_.count(key) && !isGiven(key)) weights.emplace_back(key, own_.at(key));
  waiting_ = matchState(*module_, weights, name);
  for (const auto& [key, tensor] : waiting_) total_ += tensor.nbytes();
  shared_ = sharedStorages(waiting_);
  std::reverse(waiting_.begin(), waiting_.end());
}

uint64_t WeightLoader::advance(uint64_t bytes) {
  const torch::NoGradGuard frozen;
  for (uint64_t moved = 0; moved < bytes && !waiting_.empty(); waiting_.pop_back()) {
    const auto& [name, given] = waiting_.back();
    const uint64_t read = given.nbytes();  // a kept tensor is the network's own, and may be converted
    if (load(name, given)) moved += read;
    done_ += read;
  }
  return done_;
}

bool WeightLoader::load(const std::string& name, const at::Tensor& given) {
  if (dense_.count(name) && given.is_floating_point()) {
    dense_.at(name)->takeDense(given, placement_.device);
    return true;
  }
  auto& own = own_.at(name);
  const bool converts = own.is_floating_point() && !full_precision_.count(name);
  const auto placed = place(given, converts ? placement_.dtype.value_or(own.scalar_type()) : own.scalar_type());
  own.set_data(placed);
  return !placed.is_alias_of(given);
}

at::Tensor WeightLoader::place(const at::Tensor& given, at::ScalarType dtype) {
  const bool is_converted = placement_.device.is_cpu() && dtype != given.scalar_type();
  const auto placed =
      (is_converted ? convert(given, dtype, huge_pages_) : given.to(placement_.device, dtype)).contiguous();
  if (!placed.is_alias_of(given)) return placed;
  const bool is_whole = placed.nbytes() == placed.storage().nbytes();
  return is_whole && shared_.count(placed.storage().unsafeGetStorageImpl()) == 0 ? placed : placed.clone();
}

}  // namespace eegtorch
