#include "alignment/eeg_token_reducer.h"

#include <ATen/Functions.h>

#include <map>

#include "core/check.h"

namespace eegtorch {

EegTokenReducerImpl::EegTokenReducerImpl(const EegTokenReducerConfig& config) : config_(config) {
  const OptionCheck options("eeg_token_reducer");
  options.require(!config.brain_regions.empty(), "brain_regions", "a region for each channel", "none");
  options.size("n_patches", config.n_patches);
  options.size("dim", config.dim);
  std::map<int64_t, std::vector<int64_t>> channels;
  for (size_t i = 0; i < config.brain_regions.size(); i++)
    channels[config.brain_regions[i]].push_back(static_cast<int64_t>(i));
  for (auto& [region, group] : channels) groups_.push_back(std::move(group));
}

at::Tensor EegTokenReducerImpl::forward(const at::Tensor& features) {
  const auto channels = static_cast<int64_t>(config_.brain_regions.size());
  checkInput("eeg_token_reducer", features, features,
             {"batch", {channels, "channels"}, {config_.n_patches, "patches"}, {config_.dim, "values in a token"}});
  std::vector<at::Tensor> means;
  for (const auto& group : groups_) {
    const auto count = static_cast<int64_t>(group.size());
    const bool together = group.back() - group.front() + 1 == count;
    const auto members = together ? features.narrow(1, group.front(), count)
                                  : features.index_select(1, at::tensor(group, features.options().dtype(at::kLong)));
    means.push_back(members.mean(1));  // (batch, n_patches, dim)
  }
  return at::cat(means, 1);
}

}  // namespace eegtorch
