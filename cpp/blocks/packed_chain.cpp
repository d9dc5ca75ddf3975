#include "blocks/packed_chain.h"

#include <ATen/Functions.h>

#include "blocks/floating_tensors.h"
#include "blocks/fused_chain.h"
#include "core/thread_team.h"
#include "kernels/batch_norm.h"
#include "kernels/packed_conv2d.h"

namespace eegtorch {

namespace {

constexpr int64_t kFewNumbers = 1 << 15;  // that are pooled before another thread would be awake; LibTorch asks for one

using kernels::Epilogue, kernels::PackedConv2d;

// Of the layers behind a convolution, those that its product can take along.
class Following {
 public:
  Following(torch::nn::SequentialImpl::Iterator next, torch::nn::SequentialImpl::Iterator end) : next_(next) {
    if (next_ != end)
      if (auto* norm = next_->ptr()->as<torch::nn::BatchNorm2dImpl>(); norm && norm->running_mean.defined()) {
        const kernels::FoldedNorm folded(*norm);
        epilogue_.scale = folded.scale;
        epilogue_.shift = folded.shift;
        next_++;
      }
    if (next_ == end) return;
    if (const auto slope = slopeOf(*next_->ptr())) {
      epilogue_.slope = static_cast<float>(*slope);
      next_++;
    }
  }

  const Epilogue& epilogue() const { return epilogue_; }
  torch::nn::SequentialImpl::Iterator next() const { return next_; }

 private:
  Epilogue epilogue_;
  torch::nn::SequentialImpl::Iterator next_;
};

// A layer as it is.
at::Tensor forwardOther(torch::nn::AnyModule layer, const at::Tensor& x) {
  std::optional<OneThread> alone;
  if (x.numel() < kFewNumbers) alone.emplace();
  return layer.forward(x);
}

}  // namespace

// A convolution with what follows it, or one layer as it is.
struct PackedLayer {
  std::optional<PackedConv2d> convolution;
  torch::nn::AnyModule other;
};

PackedChain::PackedChain(const torch::nn::Sequential& layers, int64_t most_images)
    : layers_(layers), most_images_(most_images), tensors_(floatingTensors(*layers)) {}

PackedChain::~PackedChain() = default;

std::vector<PackedLayer> PackedChain::pack() {
  const at::NoGradGuard no_grad;
  std::vector<PackedLayer> packed;
  for (auto layer = layers_->begin(); layer != layers_->end();) {
    const auto take = [&](const auto& conv) {
      const Following following(std::next(layer), layers_->end());
      packed.push_back({PackedConv2d(conv, following.epilogue()), {}});
      layer = following.next();
    };
    const auto* conv = layer->ptr()->as<torch::nn::Conv2dImpl>();
    const auto* transposed = layer->ptr()->as<torch::nn::ConvTranspose2dImpl>();
    if (conv && PackedConv2d::knows(*conv))
      take(*conv);
    else if (transposed && PackedConv2d::knows(*transposed))
      take(*transposed);
    else
      packed.push_back({{}, *layer++});
  }
  return packed;
}

at::Tensor PackedChain::forward(const at::Tensor& x) {
  const auto packed = packed_.inferring({layers_->is_training(), x, most_images_}, tensors_, [this] { return pack(); });
  if (!packed) return runFused(*layers_, x);
  auto y = x;
  for (const auto& layer : *packed)
    y = layer.convolution ? layer.convolution->forward(y.permute({0, 2, 3, 1}).contiguous()).permute({0, 3, 1, 2})
                          : forwardOther(layer.other, y);
  return y;
}

}  // namespace eegtorch
