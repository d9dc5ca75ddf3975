#include "vision/alexnet.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"

namespace eegtorch {

namespace {

constexpr int64_t kPooled = 6;                                         // cells on a side before the linear layers
constexpr std::array<const char*, 3> kLinearPlaces = {"1", "4", "6"};  // in torchvision's list

void check(const AlexNetConfig& c) {
  const OptionCheck options("alexnet");
  checkAlexNetChannels(options, c.channels);
  options.size("hidden_features", c.hidden_features);
  options.size("num_classes", c.num_classes);
  options.fraction("dropout", c.dropout);
}

}  // namespace

AlexNetImpl::AlexNetImpl(const AlexNetConfig& config) {
  check(config);
  const auto features = register_module("features", std::make_shared<Named>());
  convolutions_ = makeAlexNetConvolutions(config.channels);
  for (size_t i = 0; i < convolutions_.size(); i++)
    features->register_module(std::to_string(kAlexNetPlaces[i]), convolutions_[i]);
  const auto classifier = register_module("classifier", std::make_shared<Named>());
  int64_t in = config.channels.back() * kPooled * kPooled;
  for (const char* place : kLinearPlaces) {
    const bool last = place == kLinearPlaces.back();
    linears_.push_back(
        classifier->register_module(place, Linear(in, last ? config.num_classes : config.hidden_features)));
    in = config.hidden_features;
  }
  dropout_ = register_module("dropout", Dropout(config.dropout));
}

std::vector<at::Tensor> AlexNetImpl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor& image = inputs.at(0);
  checkAlexNetImage("alexnet", image, convolutions_[0]->weight);
  const auto seen = lookThroughAlexNet(convolutions_, image);
  auto x = at::adaptive_avg_pool2d(at::max_pool2d(seen.back(), 3, 2), {kPooled, kPooled}).flatten(1);
  x = at::relu(linears_[0]->forward(dropout_->forward(x)));
  x = at::relu(linears_[1]->forward(dropout_->forward(x)));
  return {linears_[2]->forward(x), seen[1], seen[4]};
}

}  // namespace eegtorch
