#include "vision/alexnet_trunk.h"

#include <ATen/Functions.h>

#include "core/error.h"

namespace eegtorch {

namespace {

struct Shape {
  int64_t kernel, stride, padding;
  bool pooled_before;
};
constexpr std::array<Shape, kAlexNetConvolutions> kShapes = {
    {{11, 4, 2, false}, {5, 1, 2, true}, {3, 1, 1, true}, {3, 1, 1, false}, {3, 1, 1, false}}};

}  // namespace

void checkAlexNetChannels(const OptionCheck& options, const std::vector<int64_t>& channels) {
  options.require(channels.size() == kAlexNetConvolutions, "channels", "five widths", std::to_string(channels.size()));
  options.sizes("channels", channels);
}

void checkAlexNetImage(const char* model, const at::Tensor& image, const at::Tensor& parameter) {
  checkInput(model, image, parameter, {"images", {3, "colours"}, "height", "width"});
  if (image.size(2) < kAlexNetSmallest || image.size(3) < kAlexNetSmallest)
    throw Error("SHAPE_MISMATCH", std::string(model) + " expects images of at least 63 x 63 pixels, received " +
                                      showShape(image.sizes()));
}

std::vector<Conv2d> makeAlexNetConvolutions(const std::vector<int64_t>& channels) {
  std::vector<Conv2d> convolutions;
  int64_t in = 3;
  for (size_t i = 0; i < kShapes.size(); i++) {
    const auto& [kernel, stride, padding, pooled] = kShapes[i];
    convolutions.emplace_back(in, channels[i], kernel, Conv2dShape{.stride = stride, .padding = padding});
    in = channels[i];
  }
  return convolutions;
}

std::vector<at::Tensor> lookThroughAlexNet(std::vector<Conv2d>& convolutions, const at::Tensor& image) {
  std::vector<at::Tensor> seen;
  auto x = image;
  for (size_t i = 0; i < kShapes.size(); i++) {
    if (kShapes[i].pooled_before) x = at::max_pool2d(x, 3, 2);
    x = at::relu(convolutions[i]->forward(x));
    seen.push_back(x);
  }
  return seen;
}

}  // namespace eegtorch
