#include "blocks/fused_chain.h"

#include <torch/nn/modules/activation.h>

#include "kernels/few_channels.h"
#include "kernels/norm_relu_images.h"

namespace eegtorch {

std::optional<double> slopeOf(const torch::nn::Module& layer) {
  if (const auto* leaky = layer.as<torch::nn::LeakyReLUImpl>()) return leaky->options.negative_slope();
  if (layer.as<torch::nn::ReLUImpl>() != nullptr) return 0.;
  return {};
}

namespace {

at::Tensor runAlone(torch::nn::AnyModule& layer, const at::Tensor& x) {
  if (auto* transposed = layer.ptr()->as<torch::nn::ConvTranspose2dImpl>())
    return kernels::convTranspose2d(x, *transposed);
  return layer.forward<at::Tensor>(x);
}

}  // namespace

at::Tensor runFused(torch::nn::SequentialImpl& layers, at::Tensor x) {
  for (auto layer = layers.begin(); layer != layers.end(); ++layer) {
    auto* norm = layer->ptr()->as<torch::nn::BatchNorm2dImpl>();
    const auto next = std::next(layer);
    const auto slope = norm != nullptr && next != layers.end() ? slopeOf(*next->ptr()) : std::nullopt;
    if (slope) {
      x = kernels::batchNormLeakyRelu(x, *norm, *slope);
      layer = next;
    } else {
      x = runAlone(*layer, x);
    }
  }
  return x;
}

}  // namespace eegtorch
