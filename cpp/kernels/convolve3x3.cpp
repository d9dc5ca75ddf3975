#include "kernels/convolve3x3.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/plain.h"
#include "kernels/winograd.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t kLeastChannels = 32;  // fewer do not pay for the transforms
constexpr int64_t kLeastOut = 64;       // for each thread
constexpr int64_t kFewPixels = 128;     // below which a weight is read once and not transformed
constexpr int64_t kFewAtEdges = 512;    // likewise where tiles hang over so many edges that they save too little
constexpr double kMostProducts = .6;    // of those of an ordinary convolution
constexpr int64_t kWeights = 9;

int64_t pixelsOf(const at::Tensor& x) { return x.size(0) * x.size(2) * x.size(3); }

bool fewPixels(const at::Tensor& x) {
  return pixelsOf(x) < kFewPixels || (pixelsOf(x) < kFewAtEdges && winogradShare(x) > kMostProducts);
}

// (batch * height * width, channels * 9): what each pixel's weights are multiplied with
at::Tensor patchesOf(const at::Tensor& x) {
  return at::im2col(x, {3, 3}, {1, 1}, {1, 1}, {1, 1}).transpose(1, 2).flatten(0, 1);
}

// (batch, channels, height, width) -> (batch * height * width, channels)
at::Tensor rowsOf(const at::Tensor& x) { return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)}); }

// One product with the patches of all pixels, for so few of them that it reads the weights once and transforms none.
at::Tensor multiplyPatches(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto pixels = at::linear(patchesOf(x), weight.flatten(1), bias);  // (batch * height * width, out)
  return pixels.view({x.size(0), x.size(2), x.size(3), weight.size(0)}).permute({0, 3, 1, 2});
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return fewPixels(x) ? multiplyPatches(x, weight, bias) : winograd(x, weight, bias);
}

// The kernels of the way back: (in, out, 3, 3), each turned by half a circle.
at::Tensor turned(const at::Tensor& weight) {
  constexpr int64_t kAtATime = 16;
  const int64_t out = weight.size(0), in = weight.size(1);
  auto result = at::empty({in, out, 3, 3}, weight.options().requires_grad(false));
  const auto ordered = weight.contiguous();
  const float* from = ordered.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  at::parallel_for(0, (in + kAtATime - 1) / kAtATime, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++)
      for (int64_t o = 0; o < out; o++)
        for (int64_t i = block * kAtATime; i < std::min(in, (block + 1) * kAtATime); i++)
          std::reverse_copy(from + (o * in + i) * kWeights, from + (o * in + i + 1) * kWeights,
                            to + (i * out + o) * kWeights);
  });
  return result;
}

at::Tensor inputGradient(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& grad) {
  if (!fewPixels(x)) return winograd(grad, turned(weight), {});
  const auto patches = rowsOf(grad).matmul(weight.flatten(1)).unflatten(0, {x.size(0), -1}).transpose(1, 2);
  return at::col2im(patches, {x.size(2), x.size(3)}, {3, 3}, {1, 1}, {1, 1}, {1, 1});
}

at::Tensor weightGradient(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& grad) {
  if (!fewPixels(x)) return winogradWeightGradient(x, grad);
  return rowsOf(grad).t().matmul(patchesOf(x)).view(weight.sizes());
}

struct Convolve3x3 : torch::autograd::Function<Convolve3x3> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& given_bias) {
    const auto bias = given_bias.value_or(at::Tensor());
    ctx->save_for_backward({x, weight, bias});
    return convolve(x, weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const bool needs_bias = saved[2].defined() && ctx->needs_input_grad(2);
    if (at::GradMode::is_enabled())
      return plainGradients([](const variable_list& in) { return at::conv2d(in[0], in[1], in[2], 1, 1); }, saved,
                            grads[0], {ctx->needs_input_grad(0), ctx->needs_input_grad(1), needs_bias});
    const auto grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    return {ctx->needs_input_grad(0) ? inputGradient(x, weight, grad) : at::Tensor(),
            ctx->needs_input_grad(1) ? weightGradient(x, weight, grad) : at::Tensor(),
            needs_bias ? rowsOf(grad).sum(0) : at::Tensor()};
  }
};

}  // namespace

bool convolves3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() != 4 || weight.size(2) != 3 || weight.size(3) != 3 || !applies({x, weight, bias})) return false;
  if (std::min(weight.size(0), weight.size(1)) < kLeastChannels || x.size(1) != weight.size(1)) return false;
  if (fewPixels(x)) return true;
  return winogradShare(x) <= kMostProducts && weight.size(0) >= kLeastOut * at::get_num_threads();
}

at::Tensor convolve3x3(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (isRecorded({x, weight, bias}))
    return Convolve3x3::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
  const at::NoGradGuard unrecorded;
  return convolve(x.detach(), weight.detach(), bias.defined() ? bias.detach() : bias);
}

}  // namespace eegtorch::kernels
