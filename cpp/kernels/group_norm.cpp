#include "kernels/group_norm.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/native/silu_table.h"
#include "kernels/parallel.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;
using Numbers = std::vector<double>;
using Floats = std::vector<float>;

const SiluTable& siluTable() {
  static const SiluTable& chosen = chooseTable(avx512Silu, avx2Silu, baselineSilu);
  return chosen;
}

at::Tensor plain(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const GroupNormOptions& o) {
  auto normed = at::group_norm(x, o.groups, weight, bias, o.eps);
  if (!o.silu) return normed;
  return isRecorded({normed}) ? at::silu(normed) : at::silu_(normed);
}

Floats toFloats(const Numbers& values) { return {values.begin(), values.end()}; }

// The group norm of images (batch, channels, height, width), image by image.
class Images {
 public:
  Images(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const GroupNormOptions& options)
      : options_(options),
        count_(x.size(0)),
        channels_(x.size(1)),
        width_(channels_ / options.groups),
        pixels_(x.size(2) * x.size(3)),
        pieces_(pixels_),
        x_(x.const_data_ptr<float>()),
        weight_(weight.const_data_ptr<float>()),
        bias_(bias.const_data_ptr<float>()) {}

  void forward(float* y) const {
    for (int64_t image = 0; image < count_; image++) {
      const Affine affine = affineOf(statistics(image));
      forPieces(image, [&](int64_t, int64_t at, int64_t n) {
        if (options_.silu)
          siluTable().forward(x_ + at, n, channels_, affine.scale.data(), affine.shift.data(), y + at);
        else
          table().norm_relu_columns(x_ + at, n, channels_, affine.scale.data(), affine.shift.data(), 1, y + at);
      });
    }
  }

  // d: the gradient of x. weight, bias: gradients of those, added to.
  void backward(const float* grad, float* d, Numbers& weight, Numbers& bias) const {
    for (int64_t image = 0; image < count_; image++) {
      const Statistics stats = statistics(image);
      const Affine affine = affineOf(stats);
      const Floats mean = toFloats(stats.mean);
      PartialSums<double> sums(pieces_, 2 * channels_);
      forPieces(image, [&](int64_t piece, int64_t at, int64_t n) {
        double *of_g = sums.of(piece), *of_products = of_g + channels_;
        if (options_.silu)
          siluTable().backward(x_ + at, grad + at, n, channels_, affine.scale.data(), affine.shift.data(), mean.data(),
                               d + at, of_g, of_products);
        else
          table().norm_relu_backward_columns(x_ + at, x_ + at, grad + at, n, channels_, mean.data(), 1, d + at, of_g,
                                             of_products);
      });
      finish(image, stats, affine, mean, sums.total(), d, weight, bias);
    }
  }

 private:
  struct Statistics {
    Numbers mean, inverse_std;  // of each channel's group
  };
  struct Affine {
    Floats scale, shift;  // of each channel
  };

  // body(piece, where its first pixel is, how many) of one image.
  template <class Body>
  void forPieces(int64_t image, const Body& body) const {
    pieces_.run([&](int64_t piece, int64_t first, int64_t last) {
      body(piece, (image * pixels_ + first) * channels_, last - first);
    });
  }

  Numbers columnSums(int64_t image, const float* centre) const {
    PartialSums<double> sums(pieces_, channels_);
    forPieces(image, [&](int64_t piece, int64_t at, int64_t n) {
      table().column_sums(x_ + at, centre, n, channels_, sums.of(piece));
    });
    return sums.total();
  }

  // Each channel's number becomes the mean over its group and all pixels.
  Numbers groupMeans(const Numbers& sums) const {
    Numbers means(channels_);
    const auto values = static_cast<double>(pixels_ * width_);
    for (int64_t first = 0; first < channels_; first += width_) {
      double total = 0;
      for (int64_t c = first; c < first + width_; c++) total += sums[c];
      std::fill_n(means.begin() + first, width_, total / values);
    }
    return means;
  }

  Statistics statistics(int64_t image) const {
    Statistics found;
    found.mean = groupMeans(columnSums(image, nullptr));
    const Floats centre = toFloats(found.mean);
    found.inverse_std = groupMeans(columnSums(image, centre.data()));
    for (int64_t c = 0; c < channels_; c++) {
      const double rounding = found.mean[c] - static_cast<double>(centre[c]);
      const double variance = std::max(found.inverse_std[c] - rounding * rounding, 0.);
      found.inverse_std[c] = 1 / std::sqrt(variance + options_.eps);
    }
    return found;
  }

  Affine affineOf(const Statistics& stats) const {
    Affine affine{Floats(channels_), Floats(channels_)};
    for (int64_t c = 0; c < channels_; c++) {
      const double scale = stats.inverse_std[c] * static_cast<double>(weight_[c]);
      affine.scale[c] = static_cast<float>(scale);
      affine.shift[c] = static_cast<float>(static_cast<double>(bias_[c]) - scale * stats.mean[c]);
    }
    return affine;
  }

  // From d, the gradient of the norm's result, to that of x. sums: of d and of d * (x - mean), for each channel.
  void finish(int64_t image, const Statistics& stats, const Affine& affine, const Floats& mean, const Numbers& sums,
              float* d, Numbers& weight, Numbers& bias) const {
    Numbers weighted(channels_), products(channels_);
    for (int64_t c = 0; c < channels_; c++) {
      bias[c] += sums[c];
      weight[c] += sums[channels_ + c] * stats.inverse_std[c];
      weighted[c] = sums[c] * static_cast<double>(weight_[c]);
      products[c] = sums[channels_ + c] * static_cast<double>(weight_[c]);
    }
    weighted = groupMeans(weighted), products = groupMeans(products);
    Floats offset(channels_), slope(channels_);
    for (int64_t c = 0; c < channels_; c++) {
      offset[c] = static_cast<float>(weighted[c] * stats.inverse_std[c]);
      slope[c] = static_cast<float>(products[c] * std::pow(stats.inverse_std[c], 3));
    }
    forPieces(image, [&](int64_t, int64_t at, int64_t n) {
      table().normalise_backward_columns(x_ + at, d + at, n, channels_, affine.scale.data(), offset.data(),
                                         slope.data(), mean.data(), d + at);
    });
  }

  GroupNormOptions options_;
  int64_t count_, channels_, width_, pixels_;  // width: of a group
  Pieces pieces_;
  const float *x_, *weight_, *bias_;
};

at::Tensor asTensor(const Numbers& values, const at::Tensor& like) {
  auto tensor = at::empty_like(like);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

at::Tensor compute(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const GroupNormOptions& o) {
  auto y = at::empty_like(x, x.options().requires_grad(false));
  Images(x, weight, bias, o).forward(y.mutable_data_ptr<float>());
  return y;
}

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            int64_t groups, double eps, bool silu) {
    ctx->save_for_backward({x, weight, bias});
    ctx->saved_data["groups"] = groups;
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["silu"] = silu;
    return compute(x, weight, bias, {groups, eps, silu});
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const GroupNormOptions options{ctx->saved_data["groups"].toInt(), ctx->saved_data["eps"].toDouble(),
                                   ctx->saved_data["silu"].toBool()};
    auto found = at::GradMode::is_enabled() ? plainBackward(ctx, saved, grads[0], options)
                                            : fusedBackward(saved, grads[0], options);
    found.resize(6);  // the options have none
    return found;
  }

  static variable_list plainBackward(AutogradContext* ctx, const variable_list& saved, const at::Tensor& grad,
                                     const GroupNormOptions& options) {
    const auto again = [&](const variable_list& in) { return plain(in[0], in[1], in[2], options); };
    return plainGradients(again, saved, grad,
                          {ctx->needs_input_grad(0), ctx->needs_input_grad(1), ctx->needs_input_grad(2)});
  }

  static variable_list fusedBackward(const variable_list& saved, const at::Tensor& grad,
                                     const GroupNormOptions& options) {
    const auto &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto ordered = grad.contiguous(at::MemoryFormat::ChannelsLast);
    auto d = at::empty_like(x);
    Numbers of_weight(x.size(1)), of_bias(x.size(1));
    Images(x, weight, bias, options)
        .backward(ordered.const_data_ptr<float>(), d.mutable_data_ptr<float>(), of_weight, of_bias);
    return {d, asTensor(of_weight, weight), asTensor(of_bias, bias)};
  }
};

bool fits(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int64_t groups) {
  return x.dim() == 4 && x.numel() > 0 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && weight.defined() &&
         bias.defined() && weight.is_contiguous() && bias.is_contiguous() && weight.numel() == x.size(1) &&
         x.size(1) % groups == 0 && applies({x, weight, bias});
}

}  // namespace

at::Tensor groupNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const GroupNormOptions& o) {
  if (!fits(x, weight, bias, o.groups)) return plain(x, weight, bias, o);
  if (isRecorded({x, weight, bias})) return GroupNormFunction::apply(x, weight, bias, o.groups, o.eps, o.silu);
  const at::NoGradGuard unrecorded;
  return compute(x.detach(), weight.detach(), bias.detach(), o);
}

}  // namespace eegtorch::kernels
