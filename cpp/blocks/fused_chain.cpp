#include "blocks/fused_chain.h"

#include <torch/nn/modules/activation.h>

#include "kernels/norm_relu_images.h"

namespace eegtorch {

std::optional<double> slopeOf(const torch::nn::Module& layer) {
  if (const auto* leaky = layer.as<torch::nn::LeakyReLUImpl>()) return leaky->options.negative_slope();
  if (layer.as<torch::nn::ReLUImpl>() != nullptr) return 0.;
  return {};
}

at::Tensor runFused(torch::nn::SequentialImpl& layers, at::Tensor x) {
  for (auto layer = layers.begin(); layer != layers.end(); ++layer) {
    auto* norm = layer->ptr()->as<torch::nn::BatchNorm2dImpl>();
    const auto next = std::next(layer);
    const auto slope = norm != nullptr && next != layers.end() ? slopeOf(*next->ptr()) : std::nullopt;
    if (slope) {
      x = kernels::batchNormLeakyRelu(x, *norm, *slope);
      layer = next;
    } else {
      x = layer->forward<at::Tensor>(x);
    }
  }
  return x;
}

}  // namespace eegtorch
