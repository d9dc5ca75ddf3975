#include "kernels/packed_conv2d.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

namespace eegtorch::kernels {

namespace {

constexpr int64_t kManyPixels = 16;
constexpr int64_t kFewColumns = 16;        // numbers that the widest vector holds
constexpr int64_t kGatherGrain = 1 << 14;  // numbers that are worth another thread

bool plainPadding(const auto& options) {
  return std::holds_alternative<torch::enumtype::kZeros>(options.padding_mode()) && options.groups() == 1 &&
         options.dilation()->at(0) == 1 && options.dilation()->at(1) == 1;
}

at::Tensor shiftOf(const at::Tensor& bias, const Epilogue& epilogue) {
  if (!bias.defined()) return epilogue.shift;
  if (!epilogue.scale.defined()) return bias;
  return bias * epilogue.scale + epilogue.shift;
}

// (channels in, kernel rows, kernel columns, out) -> (kernel rows * columns * channels in, out)
PackedProduct packed(const at::Tensor& weight, const at::Tensor& bias, const Epilogue& epilogue) {
  const auto scaled = epilogue.scale.defined() ? weight * epilogue.scale : weight;
  return {scaled.permute({1, 2, 0, 3}).flatten(0, 2), shiftOf(bias, epilogue), kManyPixels};
}

}  // namespace

bool PackedConv2d::knows(const torch::nn::Conv2dImpl& conv) {
  return plainPadding(conv.options) && std::holds_alternative<torch::ExpandingArray<2>>(conv.options.padding());
}

bool PackedConv2d::knows(const torch::nn::ConvTranspose2dImpl& conv) {
  const auto all = [](const torch::ExpandingArray<2>& pair, int64_t value) {
    return pair->at(0) == value && pair->at(1) == value;
  };
  const auto& o = conv.options;
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&o.padding());
  return plainPadding(o) && all(o.kernel_size(), 4) && all(o.stride(), 2) && padding && all(*padding, 1) &&
         all(o.output_padding(), 0);
}

PackedConv2d::PackedConv2d(const torch::nn::Conv2dImpl& conv, const Epilogue& epilogue)
    : kernel_{conv.weight.size(2), conv.weight.size(3)},
      stride_{conv.options.stride()->at(0), conv.options.stride()->at(1)},
      step_(1),
      slope_(epilogue.slope) {
  const auto& padding = std::get<torch::ExpandingArray<2>>(conv.options.padding());
  padding_ = {padding->at(0), padding->at(1)};
  const auto weight = conv.weight.detach().permute({1, 2, 3, 0});
  phases_.push_back({0, 0, padding_.rows, padding_.columns, packed(weight, conv.bias, epilogue)});
}

// Of the four taps in a direction two reach an even pixel, the others an odd one. Where channels are so few that a
// vector holds those of four pixels, one product of three taps makes them all: a product for each would read the image
// four times.
PackedConv2d::PackedConv2d(const torch::nn::ConvTranspose2dImpl& conv, const Epilogue& epilogue)
    : kernel_{2, 2}, stride_{1, 1}, padding_{1, 1}, step_(2), slope_(epilogue.slope) {
  static constexpr std::array<std::array<int64_t, 2>, 2> taps = {{{3, 1}, {2, 0}}};
  const auto weight = conv.weight.detach().permute({0, 2, 3, 1});
  const int64_t in = weight.size(0), out = weight.size(3);
  const bool together = 4 * out <= kFewColumns;
  const auto all = together ? at::zeros({in, 3, 3, 2, 2, out}, weight.options()) : at::Tensor();
  for (const int64_t row : {0, 1})
    for (const int64_t column : {0, 1}) {
      const auto own = weight.index_select(1, at::tensor(at::IntArrayRef(taps[row])))
                           .index_select(2, at::tensor(at::IntArrayRef(taps[column])));
      if (together)
        all.narrow(1, row, 2).narrow(2, column, 2).select(3, row).select(3, column).copy_(own);
      else
        phases_.push_back({row, column, 1 - row, 1 - column, packed(own, conv.bias, epilogue)});
    }
  if (!together) return;
  kernel_ = {3, 3};
  const auto four = [](const at::Tensor& t) { return t.defined() ? t.repeat({4}) : t; };
  const Epilogue repeated{four(epilogue.scale), four(epilogue.shift), epilogue.slope};
  phases_.push_back({0, 0, 1, 1, packed(all.flatten(3), four(conv.bias), repeated), 2});
}

PackedConv2d::Size PackedConv2d::grid(const at::Tensor& images) const {
  if (step_ == 2) return {images.size(1), images.size(2)};
  return {(images.size(1) + 2 * padding_.rows - kernel_.rows) / stride_.rows + 1,
          (images.size(2) + 2 * padding_.columns - kernel_.columns) / stride_.columns + 1};
}

void PackedConv2d::copySurroundings(const Image& image, int64_t row, int64_t column, float* to) const {
  const auto [height, width] = image.size;
  const int64_t channels = image.channels, run = kernel_.columns * channels;
  const int64_t first = std::clamp<int64_t>(-column, 0, kernel_.columns),
                last = std::clamp<int64_t>(width - column, first, kernel_.columns);
  for (int64_t y = row; y < row + kernel_.rows; y++, to += run) {
    const bool inside = y >= 0 && y < height && last > first;
    if (!inside || last - first < kernel_.columns) std::fill_n(to, run, 0.f);
    if (!inside) continue;
    const float* from = image.data + (y * width + column + first) * channels;
    std::copy_n(from, (last - first) * channels, to + first * channels);
  }
}

// (batch * grid rows * grid columns, kernel rows * columns * channels)
at::Tensor PackedConv2d::gather(const at::Tensor& images, const Phase& phase) const {
  const int64_t height = images.size(1), width = images.size(2), channels = images.size(3);
  const int64_t depth = kernel_.rows * kernel_.columns * channels;
  const Size size = grid(images);
  const auto gathered = at::empty({images.size(0) * size.rows * size.columns, depth}, images.options());
  const float* from = images.const_data_ptr<float>();
  float* all = gathered.data_ptr<float>();
  at::parallel_for(0, images.size(0) * size.rows, kGatherGrain / (size.columns * depth) + 1, [&](int64_t a, int64_t b) {
    for (int64_t line = a; line < b; line++) {
      const Image image{from + line / size.rows * height * width * channels, {height, width}, channels};
      const int64_t y = line % size.rows * stride_.rows - phase.top;
      float* to = all + line * size.columns * depth;
      for (int64_t column = 0; column < size.columns; column++, to += depth)
        copySurroundings(image, y, column * stride_.columns - phase.left, to);
    }
  });
  return gathered;
}

void PackedConv2d::scatter(const at::Tensor& pixels, const Phase& phase, const at::Tensor& result) const {
  const int64_t columns = result.size(2) / step_, channels = result.size(3), rows = result.size(1) / step_;
  const int64_t run = phase.span * channels;
  const float* from = pixels.const_data_ptr<float>();
  float* all = result.data_ptr<float>();
  for (int64_t line = 0; line < result.size(0) * rows; line++) {
    const int64_t row = line / rows * result.size(1) + line % rows * step_ + phase.row;
    for (int64_t column = 0; column < columns; column++)
      for (int64_t r = 0; r < phase.span; r++, from += run)
        std::copy_n(from, run, all + ((row + r) * result.size(2) + column * step_ + phase.column) * channels);
  }
}

at::Tensor PackedConv2d::forward(const at::Tensor& images) const {
  const Size size = grid(images);
  const Phase& first = phases_.front();
  const int64_t wide = first.product.columns(), count = images.size(0) * size.rows * size.columns;
  const auto result = at::empty(
      {images.size(0), size.rows * step_, size.columns * step_, wide / (first.span * first.span)}, images.options());
  const auto pixels = step_ == 1 ? result : at::empty({count, wide}, images.options());
  for (const auto& phase : phases_) {
    const auto rows = gather(images, phase);
    phase.product.run({{count, rows.const_data_ptr<float>(), rows.size(1), pixels.data_ptr<float>(), wide}}, false,
                      {slope_});
    if (step_ > 1) scatter(pixels, phase, result);
  }
  return result;
}

}  // namespace eegtorch::kernels
