#include "transformer/eeg_patches.h"

#include <ATen/Functions.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "blocks/dropout.h"

namespace eegtorch {

namespace {

constexpr int64_t kFilters = 25, kNormGroups = 5;

torch::nn::GroupNorm groupNorm() { return torch::nn::GroupNorm(torch::nn::GroupNormOptions(kNormGroups, kFilters)); }

torch::nn::Conv2d follow() {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(kFilters, kFilters, {1, 3}).padding({0, 1}));
}

}  // namespace

EegPatchesImpl::EegPatchesImpl(int64_t width, double drop_prob) {
  using torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::GELU;
  mask_encoding_ = register_parameter("mask_encoding", at::zeros({width}), false);
  const auto position = register_module("positional_encoding", std::make_shared<Named>());
  position_ =
      position->register_module("0", Conv2d(Conv2dOptions(width, width, {19, 7}).padding({9, 3}).groups(width)));
  const auto first = Conv2dOptions(1, kFilters, {1, 49}).stride({1, kPatchStride}).padding({0, 24});
  time_ = register_module("proj_in", Chain(Conv2d(first), groupNorm(), GELU(), follow(), groupNorm(), GELU(), follow(),
                                           groupNorm(), GELU()));
  spectrum_ = register_module("spectral_proj", Chain(torch::nn::Linear(width / 2 + 1, width), Dropout(drop_prob)));
}

at::Tensor EegPatchesImpl::forward(at::Tensor eeg, const at::Tensor& mask) {
  if (mask.defined()) eeg = at::where(mask.to(at::kBool).unsqueeze(-1), mask_encoding_, eeg);
  auto time = time_->forward(eeg.flatten(1, 2).unsqueeze(1));  // (batch, 25, channels * patches, width / 25)
  time = time.transpose(1, 2).reshape({eeg.size(0), eeg.size(1), eeg.size(2), -1});
  const auto x = time + spectrum_->forward(at::fft_rfft(eeg, std::nullopt, -1, "forward").abs());
  return x + position_->forward(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
}

}  // namespace eegtorch
