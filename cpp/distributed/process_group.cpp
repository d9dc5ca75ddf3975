#include "distributed/process_group.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/check.h"
#include "core/dtype.h"
#include "core/written.h"
#include "distributed/backends.h"
#include "distributed/peer_error.h"

namespace eegtorch {
namespace {

ProcessGroupConfig readGroupConfig(const Value& options) {
  const auto config = readConfig<ProcessGroupConfig>(options, "processGroup");
  const OptionCheck check("processGroup");
  check.size("world_size", config.world_size);
  check.require(config.rank >= 0 && config.rank < config.world_size, "rank", "0 to world_size - 1",
                std::to_string(config.rank));
  check.require(config.port > 0 && config.port < 65536, "port", "1 to 65535", std::to_string(config.port));
  check.positive("timeout", config.timeout);
  check.require(config.timeout <= 1e6, "timeout", "at most 1e6 seconds", std::to_string(config.timeout));
  return config;
}

StorePtr openStore(const ProcessGroupConfig& config, std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(config.port);
  options.isServer = config.rank == 0 && !config.prefix;
  options.numWorkers = static_cast<std::size_t>(config.world_size);
  options.waitWorkers = !config.prefix;
  options.timeout = timeout;
  // LibTorch's own libuv would be mistaken for Node's, which has the same names and other structures.
  options.useLibUV = false;
  StorePtr store = c10::make_intrusive<c10d::TCPStore>(config.host, options);
  store->setTimeout(timeout);
  if (!config.prefix) return store;
  return c10::make_intrusive<c10d::PrefixStore>(*config.prefix, store);
}

c10::intrusive_ptr<c10d::ProcessGroup> connect(const ProcessGroupConfig& config) {
  using Group = c10d::ProcessGroup;
  const std::chrono::milliseconds timeout(static_cast<int64_t>(config.timeout * 1000));
  const int rank = static_cast<int>(config.rank), size = static_cast<int>(config.world_size);
  const StorePtr store = openStore(config, timeout);
  const auto named = [&](const char* name) -> StorePtr { return c10::make_intrusive<c10d::PrefixStore>(name, store); };
  auto group = c10::make_intrusive<Group>(store, rank, size);
  group->setBackend(at::kCPU, Group::BackendType::GLOO, makeGlooBackend(named("gloo"), rank, size, timeout));
  group->setDefaultBackend(Group::BackendType::GLOO);
  if (config.backend.value == std::string("nccl")) {
    group->setBackend(at::kCUDA, Group::BackendType::NCCL, makeNcclBackend(named("nccl"), rank, size, timeout));
    group->setDefaultBackend(Group::BackendType::NCCL);
  }
  group->setGroupName("eegtorch");
  return group;
}

// The same memory as bytes, which every backend carries.
at::Tensor bytesOf(const at::Tensor& contiguous) { return contiguous.view(-1).view(at::kByte); }

// What peers wrote to `contiguous`, which is the tensor itself or a copy of it.
void takeOver(const at::Tensor& tensor, const at::Tensor& contiguous) {
  if (contiguous.is_same(tensor))
    wrote(tensor);
  else
    tensor.copy_(contiguous);
}

int64_t hashOf(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const unsigned char letter : text) hash = (hash ^ letter) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

// "a, b (2, 3), c" and "a, b (2, 4)" differ in "b (2, 3)" and "b (2, 4)".
std::pair<std::string, std::string> firstDifference(const std::string& a, const std::string& b) {
  const size_t common = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i < common; i++) {
    depth += (a[i] == '(') - (a[i] == ')');
    if (a[i] == ',' && depth == 0) start = i + 2;
  }
  const std::string& longer = a.size() > b.size() ? a : b;
  if (common == std::min(a.size(), b.size()) && longer[common] == ',') start = common + 2;
  const auto part = [&](const std::string& text) {
    if (start >= text.size()) return std::string("nothing more");
    int open = 0;
    size_t end = start;
    for (; end < text.size() && !(text[end] == ',' && open == 0); end++)
      open += (text[end] == '(') - (text[end] == ')');
    return text.substr(start, end - start);
  };
  return {part(a), part(b)};
}

std::string describe(const at::Tensor& tensor) {
  return dtypeName(tensor.scalar_type()) + " " + showShape(tensor.sizes());
}

c10d::ReduceOp reductionOf(const std::string& name, const at::Tensor& tensor) {
  const auto type = tensor.scalar_type();
  if (type == at::kBool || at::isComplexType(type) || at::isQIntType(type))
    throw Error("DTYPE_MISMATCH", "such tensors cannot be reduced over processes", "real numbers or integers",
                dtypeName(type));
  if (name == "min") return c10d::ReduceOp::MIN;
  if (name == "max") return c10d::ReduceOp::MAX;
  if (name == "mean" && !at::isFloatingType(type))
    throw Error("DTYPE_MISMATCH", "integers have no mean over processes", "real numbers", dtypeName(type));
  if (name == "sum" || name == "mean") return c10d::ReduceOp::SUM;
  throw Error("UNKNOWN_NAME", "no reduction over processes is called " + name, "'sum', 'mean', 'min' or 'max'", name);
}

}  // namespace

ProcessGroup::ProcessGroup(const Value& options) {
  const auto config = readGroupConfig(options);
  rank_ = static_cast<int>(config.rank);
  size_ = static_cast<int>(config.world_size);
  const std::string meeting = config.host + ":" + std::to_string(config.port);
  handle_ =
      withPeers("while " + std::to_string(size_) + " processes met at " + meeting, [&] { return connect(config); });
}

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::agree(const std::string& statement) const {
  const int64_t own = hashOf(statement);
  const Tensors hashes = gather(at::tensor(own));
  if (std::all_of(hashes.begin(), hashes.end(), [&](const auto& hash) { return hash.template item<int64_t>() == own; }))
    return;
  const auto texts = gatherTexts(statement);
  const auto other = std::find_if(texts.begin(), texts.end(), [&](const auto& text) { return text != texts[0]; });
  const auto [first, second] = firstDifference(texts[0], *other);
  throw Error("SHAPE_MISMATCH", "the processes disagree", first + ", as in process 0",
              second + ", in process " + std::to_string(other - texts.begin()));
}

std::vector<std::string> ProcessGroup::gatherTexts(const std::string& text) const {
  const Tensors sizes = gather(at::tensor(static_cast<int64_t>(text.size())));
  int64_t longest = 0;
  for (const auto& size : sizes) longest = std::max(longest, size.item<int64_t>());
  const at::Tensor padded = at::zeros({longest}, at::kByte);
  std::copy(text.begin(), text.end(), padded.data_ptr<uint8_t>());
  const Tensors bytes = gather(padded);
  std::vector<std::string> texts;
  for (size_t i = 0; i < bytes.size(); i++) {
    const auto* data = bytes[i].const_data_ptr<uint8_t>();
    texts.emplace_back(data, data + sizes[i].item<int64_t>());
  }
  return texts;
}

void ProcessGroup::allReduce(const at::Tensor& tensor, const std::string& reduction) const {
  c10d::AllreduceOptions options;
  options.reduceOp = reductionOf(reduction, tensor);
  withPeers("while tensors were reduced", [&] {
    agree(reduction + " of " + describe(tensor));
    std::vector<at::Tensor> parts{tensor.contiguous()};
    handle_->allreduce(parts, options)->wait();
    if (reduction == "mean") parts[0].div_(size_);
    takeOver(tensor, parts[0]);
  });
}

void ProcessGroup::broadcast(const Tensors& tensors, int64_t root) const {
  if (root < 0 || root >= size_)
    throw Error("INVALID_OPTION", "there is no such process", "0 to " + std::to_string(size_ - 1), std::to_string(root),
                "root");
  c10d::BroadcastOptions options;
  options.rootRank = root;
  std::string statement = "broadcast";
  for (const auto& tensor : tensors) statement += ", " + describe(tensor);
  withPeers("while tensors were sent to all", [&] {
    agree(statement);
    Tensors contiguous;
    std::vector<c10::intrusive_ptr<c10d::Work>> works;
    for (const auto& tensor : tensors) {
      contiguous.push_back(tensor.contiguous());
      if (tensor.numel() == 0) continue;
      std::vector<at::Tensor> parts{bytesOf(contiguous.back())};
      works.push_back(handle_->broadcast(parts, options));
    }
    for (const auto& work : works) work->wait();
    for (size_t i = 0; i < tensors.size(); i++) takeOver(tensors[i], contiguous[i]);
  });
}

Tensors ProcessGroup::allGather(const at::Tensor& tensor) const {
  return withPeers("while tensors were gathered", [&] {
    agree("gathering of " + describe(tensor));
    return gather(tensor);
  });
}

Tensors ProcessGroup::gather(const at::Tensor& tensor) const {
  const at::Tensor own = tensor.contiguous();
  Tensors all;
  std::vector<std::vector<at::Tensor>> parts(1);
  for (int i = 0; i < size_; i++) {
    all.push_back(at::empty_like(own));
    parts[0].push_back(bytesOf(all.back()));
  }
  std::vector<at::Tensor> given{bytesOf(own)};
  if (own.numel() > 0) handle_->allgather(parts, given)->wait();
  return all;
}

void ProcessGroup::barrier() const {
  withPeers("while all waited for all", [&] { agree("barrier"); });
}

}  // namespace eegtorch
