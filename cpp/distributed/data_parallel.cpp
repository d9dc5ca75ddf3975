#include "distributed/data_parallel.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <torch/csrc/distributed/c10d/logger.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "core/check.h"
#include "core/dtype.h"
#include "core/state_dict.h"
#include "distributed/peer_error.h"

namespace eegtorch {
namespace {

Tensors tensorsOf(const NamedTensors& named) {
  Tensors tensors;
  for (const auto& [name, tensor] : named) tensors.push_back(tensor.detach());
  return tensors;
}

std::string describe(const NamedTensors& named) {
  std::string text;
  for (const auto& [name, tensor] : named)
    text += (text.empty() ? "" : ", ") + name + " " + dtypeName(tensor.scalar_type()) + " " + showShape(tensor.sizes());
  return text;
}

// Distinct streams for distinct processes (the finaliser of SplitMix64; Steele, Lea and Flood 2014).
uint64_t mix(uint64_t drawn, int rank) {
  uint64_t z = drawn + 0x9e3779b97f4a7c15 * static_cast<uint64_t>(rank + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

void checkFinished(c10d::Reducer& reducer) {
  try {
    reducer.check_finalized();
  } catch (const c10::Error&) {
    throw Error("INVALID_OPTION", "the parameters that the loss depends on must be those of the first step",
                "the same in every step of every process", "others");
  }
}

}  // namespace

DataParallel::DataParallel(std::shared_ptr<ProcessGroup> group, Model model, NamedTensors parameters)
    : group_(std::move(group)), model_(std::move(model)), parameters_(std::move(parameters)) {}

DataParallel::~DataParallel() = default;

void DataParallel::synchronise(const NamedTensors& state) {
  NamedTensors all = stateDict(*model_);
  all.insert(all.end(), state.begin(), state.end());
  withPeers("while networks were compared",
            [&] { group_->agree(describe(all) + ", of which learn, " + describe(parameters_)); });
  group_->broadcast(tensorsOf(all), 0);
  synchronised_ = true;
}

at::Tensor DataParallel::meanMass(const at::Tensor& mass) const {
  std::vector<at::Tensor> sum{mass.to(at::kDouble).clone()};
  withPeers("at the start of a step", [&] { group_->handle()->allreduce(sum)->wait(); });
  return sum[0].div_(group_->size());
}

void DataParallel::total(at::Tensor& loss, at::Tensor& correct, at::Tensor& mass, int64_t& count) const {
  const auto options = loss.options().dtype(at::kDouble);
  const at::Tensor own = at::scalar_tensor(static_cast<double>(count), options);
  const at::Tensor right = correct.defined() ? correct.to(options) : at::zeros({}, options);
  std::vector<at::Tensor> sums{at::stack({loss.detach().to(options), right, mass.to(options), own})};
  withPeers("at the end of a step", [&] { group_->handle()->allreduce(sums)->wait(); });
  loss = sums[0][0] / group_->size();
  if (correct.defined()) correct = sums[0][1];
  mass = sums[0][2];
  count = sums[0][3].item<int64_t>();
}

at::Tensor DataParallel::ownRandom(at::Tensor& shared) const {
  auto generator = at::detail::createCPUGenerator();
  generator.set_state(shared);
  const uint64_t drawn = at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
  shared = generator.get_state();
  return at::detail::createCPUGenerator(mix(drawn, group_->rank())).get_state();
}

void DataParallel::backward(const at::Tensor& loss) {
  withPeers("while gradients were averaged", [&] {
    if (!reducer_) return firstBackward(loss);
    logger_->set_runtime_stats_and_log();
    reducer_->prepare_for_forward();
    reducer_->rebuild_buckets();  // once, in the order in which gradients came
    reducer_->prepare_for_backward({});
    loss.backward();
  });
  if (reducer_) checkFinished(*reducer_);
}

// Which parameters the loss depends on is known after the first pass alone.
void DataParallel::firstBackward(const at::Tensor& loss) {
  loss.backward();
  const at::Tensor used = at::zeros({static_cast<int64_t>(parameters_.size())}, at::kInt);
  for (size_t i = 0; i < parameters_.size(); i++)
    if (parameters_[i].second.grad().defined()) used.data_ptr<int>()[i] = 1;
  group_->allReduce(used, "max");

  Tensors learning;
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  for (size_t i = 0; i < parameters_.size(); i++) {
    if (used.const_data_ptr<int>()[i] == 0) continue;
    const at::Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    learning.push_back(parameter);
    c10::NoGradGuard no_grad;
    parameter.mutable_grad() = parameter.grad().contiguous().div(group_->size());
    std::vector<at::Tensor> parts{parameter.grad()};
    works.push_back(group_->handle()->allreduce(parts));
  }
  for (const auto& work : works) work->wait();
  makeReducer(learning);
}

void DataParallel::makeReducer(const Tensors& learning) {
  const std::vector<bool> sparse(learning.size(), false);
  const size_t first = c10d::kDefaultFirstBucketBytes, cap = c10d::kDefaultBucketBytesCap;
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(learning, {first, cap}, sparse);
  std::reverse(buckets.begin(), buckets.end());  // gradients come from the last layer on
  reducer_ = std::make_shared<c10d::Reducer>(learning, std::move(buckets), group_->handle(), sparse, cap,
                                             /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true,
                                             std::unordered_map<size_t, std::string>(), first,
                                             /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
                                             std::vector<int64_t>());
  logger_ = std::make_shared<c10d::Logger>(reducer_);
  reducer_->set_logger(logger_);
  const auto device = learning[0].device();
  const std::vector<int> devices = device.is_cuda() ? std::vector<int>{device.index()} : std::vector<int>{};
  logger_->set_construction_data_and_log("eegtorch", devices, devices.empty() ? -1 : devices[0],
                                         /*broadcast_buffers=*/false, /*has_sync_bn=*/false, /*static_graph=*/false);
}

std::map<std::string, int64_t> DataParallel::figures() const {
  if (!logger_) return {};
  const auto data = logger_->get_ddp_logging_data();
  std::map<std::string, int64_t> figures(data.ints_map.begin(), data.ints_map.end());
  figures["num_buckets"] = static_cast<int64_t>(logger_->get_bucket_sizes().size());
  return figures;
}

}  // namespace eegtorch
