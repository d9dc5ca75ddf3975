#include "kernels/few_channels.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t kFewChannels = 4;

struct Side {
  int64_t kernel, stride, padding;

  int64_t resultsOf(int64_t pixels) const { return (pixels - 1) * stride - 2 * padding + kernel; }
};

struct Geometry {
  Side rows, columns;

  std::vector<int64_t> stride() const { return {rows.stride, columns.stride}; }
  std::vector<int64_t> padding() const { return {rows.padding, columns.padding}; }
};

// Adds what the pixels of one image give, (rows, columns, kernel rows, kernel columns, channels), to the result (rows,
// columns, channels).
class Spread {
 public:
  Spread(const Geometry& geometry, int64_t rows, int64_t columns, int64_t channels)
      : g_(geometry), rows_(rows), columns_(columns), channels_(channels) {}

  int64_t given() const { return rows_ * columns_ * g_.rows.kernel * rowOfGiven(); }
  int64_t results() const { return g_.rows.resultsOf(rows_) * rowOfResults(); }

  void add(const float* given, float* results) const {
    const int64_t below = g_.rows.resultsOf(rows_);
    for (int64_t y = 0; y < rows_; y++)
      for (int64_t x = 0; x < columns_; x++)
        for (int64_t k = 0; k < g_.rows.kernel; k++, given += rowOfGiven()) {
          const int64_t row = y * g_.rows.stride - g_.rows.padding + k;
          if (row >= 0 && row < below)
            addRow(given, x * g_.columns.stride - g_.columns.padding, results + row * rowOfResults());
        }
  }

 private:
  int64_t rowOfGiven() const { return g_.columns.kernel * channels_; }
  int64_t rowOfResults() const { return g_.columns.resultsOf(columns_) * channels_; }

  void addRow(const float* given, int64_t column, float* row) const {
    const int64_t start = column * channels_;
    const int64_t first = std::max<int64_t>(0, -start), last = std::min(rowOfGiven(), rowOfResults() - start);
    for (int64_t i = first; i < last; i++) row[start + i] += given[i];
  }

  Geometry g_;
  int64_t rows_, columns_, channels_;
};

at::Tensor spread(const Geometry& geometry, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t batch = x.size(0), in = x.size(1), rows = x.size(2), columns = x.size(3), channels = weight.size(1);
  const auto pixels = x.permute({0, 2, 3, 1}).reshape({-1, in});
  const auto given = at::mm(pixels, weight.permute({0, 2, 3, 1}).reshape({in, -1}));
  auto results = at::empty({batch, channels, geometry.rows.resultsOf(rows), geometry.columns.resultsOf(columns)},
                           x.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (bias.defined())
    results.copy_(bias.view({-1, 1, 1}));
  else
    results.zero_();
  const Spread one(geometry, rows, columns, channels);
  const float* from = given.const_data_ptr<float>();
  float* to = results.mutable_data_ptr<float>();
  at::parallel_for(0, batch, 1, [&](int64_t first, int64_t last) {
    for (int64_t image = first; image < last; image++) one.add(from + image * one.given(), to + image * one.results());
  });
  return results;
}

struct ToFewChannels : torch::autograd::Function<ToFewChannels> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& given_bias, const Geometry& geometry) {
    const auto bias = given_bias.value_or(at::Tensor());
    ctx->save_for_backward({x, weight, bias});
    ctx->saved_data["stride"] = geometry.stride();
    ctx->saved_data["padding"] = geometry.padding();
    return spread(geometry, x, weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto stride = ctx->saved_data["stride"].toIntVector(), padding = ctx->saved_data["padding"].toIntVector();
    const auto needed = [&](size_t i) { return saved[i].defined() && ctx->needs_input_grad(i); };
    variable_list result;
    if (at::GradMode::is_enabled()) {
      const auto forward = [&](const variable_list& in) {
        return at::conv_transpose2d(in[0], in[1], in[2], stride, padding);
      };
      result = plainGradients(forward, saved, grads[0], {needed(0), needed(1), needed(2)});
    } else {
      const std::vector<int64_t> channels = {weight.size(1)}, ones = {1, 1}, none = {0, 0};
      const auto [dx, dweight, dbias] =
          at::convolution_backward(grads[0].contiguous(at::MemoryFormat::ChannelsLast), x, weight, channels, stride,
                                   padding, ones, true, none, 1, {needed(0), needed(1), needed(2)});
      result = {dx, dweight, dbias};
    }
    result.emplace_back();
    return result;
  }
};

std::optional<Geometry> geometryOf(const torch::nn::ConvTranspose2dImpl& conv) {
  const auto& o = conv.options;
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&o.padding());
  const auto all = [](const torch::ExpandingArray<2>& pair, int64_t value) {
    return pair->at(0) == value && pair->at(1) == value;
  };
  const bool known = padding && o.groups() == 1 && all(o.dilation(), 1) && all(o.output_padding(), 0) &&
                     conv.weight.size(1) <= kFewChannels;
  if (!known) return {};
  const auto side = [&](size_t i) {
    return Side{conv.weight.size(2 + static_cast<int64_t>(i)), o.stride()->at(i), (*padding)->at(i)};
  };
  return Geometry{side(0), side(1)};
}

}  // namespace

at::Tensor convTranspose2d(const at::Tensor& x, torch::nn::ConvTranspose2dImpl& conv) {
  const auto geometry = geometryOf(conv);
  const bool fits = geometry && x.dim() == 4 && x.numel() > 0 && x.size(1) == conv.weight.size(0) &&
                    geometry->rows.resultsOf(x.size(2)) > 0 && geometry->columns.resultsOf(x.size(3)) > 0 &&
                    applies({x, conv.weight, conv.bias});
  if (!fits) return conv.forward(x);
  return ToFewChannels::apply(x, conv.weight, conv.bias.defined() ? std::optional(conv.bias) : std::nullopt, *geometry);
}

}  // namespace eegtorch::kernels
