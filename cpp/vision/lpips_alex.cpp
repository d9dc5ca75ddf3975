#include "vision/lpips_alex.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"

namespace eegtorch {

namespace {

constexpr double kDropout = 0.5, kEps = 1e-10;

// Features of each place have length 1.
at::Tensor normalised(const at::Tensor& x) { return x / (x.square().sum(1, true).sqrt() + kEps); }

at::Tensor perColour(at::ArrayRef<double> values) { return at::tensor(values, at::kFloat).view({1, 3, 1, 1}); }

std::string headName(size_t i) { return "lin" + std::to_string(i); }

}  // namespace

LpipsAlexImpl::LpipsAlexImpl(const LpipsAlexConfig& config) : spatial_(config.spatial) {
  checkAlexNetChannels(OptionCheck("lpips_alex"), config.channels);
  const auto scaling = register_module("scaling_layer", std::make_shared<Named>());
  // Undoes the range -1 to 1 and normalises as ImageNet's pictures are.
  shift_ = scaling->register_buffer("shift", perColour({-0.030, -0.088, -0.188}));
  scale_ = scaling->register_buffer("scale", perColour({0.458, 0.448, 0.450}));
  const auto net = register_module("net", std::make_shared<Named>());
  convolutions_ = makeAlexNetConvolutions(config.channels);
  for (size_t i = 0; i < convolutions_.size(); i++) {
    const auto slice = net->register_module("slice" + std::to_string(i + 1), std::make_shared<Named>());
    slice->register_module(std::to_string(kAlexNetPlaces[i]), convolutions_[i]);
  }
  for (size_t i = 0; i < convolutions_.size(); i++) {
    const auto head = register_module(headName(i), std::make_shared<Named>());
    const auto model = head->register_module("model", std::make_shared<Named>());
    heads_.push_back(model->register_module("1", Conv2d(config.channels[i], 1, 1, Conv2dShape{.bias = false})));
  }
  dropout_ = register_module("dropout", Dropout(kDropout));
}

std::vector<at::Tensor> LpipsAlexImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor &first = inputs.at(0), &second = inputs.at(1);
  checkAlexNetImage("lpips_alex", first, convolutions_[0]->weight);
  checkAlike("lpips_alex", second, first);
  const auto seen = look(at::cat({first, second}));  // side by side, so that every weight is read once
  at::Tensor distance;
  for (size_t i = 0; i < heads_.size(); i++) {
    const auto pair = normalised(seen[i]).chunk(2);
    const auto far = heads_[i]->forward(dropout_->forward((pair[0] - pair[1]).square()));
    const auto part = spatial_ ? at::upsample_bilinear2d(far, first.sizes().slice(2), false) : far.mean({2, 3}, true);
    distance = distance.defined() ? distance + part : part;
  }
  return {distance};
}

std::vector<at::Tensor> LpipsAlexImpl::look(const at::Tensor& image) {
  return lookThroughAlexNet(convolutions_, (image - shift_) / scale_);
}

std::unordered_map<std::string, std::string> LpipsAlexImpl::olderNames() const {
  std::unordered_map<std::string, std::string> names;
  for (size_t i = 0; i < heads_.size(); i++)
    names["lins." + std::to_string(i) + ".model.1.weight"] = headName(i) + ".model.1.weight";
  return names;
}

}  // namespace eegtorch
