#include "vision/clip_pixels.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/error.h"

namespace eegtorch {

namespace {

constexpr int64_t kColours = 3, kMostPixels = 16384;
constexpr int kPrecision = 22;       // bits behind the point of Pillow's weights for bytes
constexpr double kSharpness = -0.5;  // of the cubic kernel (Keys 1981), which reaches two pixels far
constexpr double kReach = 2;

double cubic(double distance) {
  const double x = std::abs(distance);
  if (x < 1) return ((kSharpness + 2) * x - (kSharpness + 3)) * x * x + 1;
  return x < kReach ? (((x - 5) * x + 8) * x - 4) * kSharpness : 0;
}

// What some neighbouring output pixels are made of: weights, in units of 2 ** -22, of input pixels from `first` on.
struct Taps {
  std::vector<int64_t> first;
  std::vector<std::vector<int32_t>> weights;
};

// Output pixels from .. from + count of a line of `size` pixels that becomes one of new_size. The filter widens where
// the line gets shorter.
Taps tapsOf(int64_t size, int64_t new_size, int64_t from, int64_t count) {
  const double scale = static_cast<double>(size) / static_cast<double>(new_size);
  const double widening = std::max(scale, 1.0), support = kReach * widening;
  Taps taps;
  for (int64_t x = from; x < from + count; x++) {
    const double centre = (static_cast<double>(x) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const auto end = std::min(size, static_cast<int64_t>(centre + support + 0.5));
    std::vector<double> exact;
    double sum = 0;
    for (int64_t k = first; k < end; k++) {
      exact.push_back(cubic((static_cast<double>(k) - centre + 0.5) / widening));
      sum += exact.back();
    }
    std::vector<int32_t> rounded;
    for (const double weight : exact)
      rounded.push_back(static_cast<int32_t>(weight / sum * (1 << kPrecision) + (weight < 0 ? -0.5 : 0.5)));
    taps.first.push_back(first);
    taps.weights.push_back(std::move(rounded));
  }
  return taps;
}

// A weighted sum of bytes `stride` apart, rounded to a byte.
uint8_t blend(const uint8_t* bytes, int64_t stride, const std::vector<int32_t>& weights) {
  int32_t sum = 1 << (kPrecision - 1);
  for (size_t k = 0; k < weights.size(); k++) sum += bytes[static_cast<int64_t>(k) * stride] * weights[k];
  return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
}

// The part of a line that stays: of `length` output pixels those that a square of `crop` in the middle covers.
struct Window {
  int64_t before;  // output pixels left of the square; negative where it is wider than the line
  int64_t from, count;

  Window(int64_t length, int64_t crop)
      : before((length - crop) >= 0 ? (length - crop) / 2 : -((crop - length + 1) / 2)),
        from(std::max<int64_t>(0, before)),
        count(std::min(length, before + crop) - from) {}
};

// Rows first, then columns, each rounded to bytes, as Pillow does. -> (rows.count, columns.count, 3), contiguous
std::vector<uint8_t> resize(const at::Tensor& picture, int64_t new_width, int64_t new_height, const Window& columns,
                            const Window& rows) {
  const int64_t height = picture.size(0), width = picture.size(1), line = columns.count * kColours;
  const Taps across = tapsOf(width, new_width, columns.from, columns.count);
  const Taps down = tapsOf(height, new_height, rows.from, rows.count);
  const int64_t top = down.first.front();
  const int64_t bottom = down.first.back() + static_cast<int64_t>(down.weights.back().size());
  std::vector<uint8_t> wide(static_cast<size_t>((bottom - top) * line));
  const auto* bytes = picture.const_data_ptr<uint8_t>();
  at::parallel_for(top, bottom, 8, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; y++)
      for (int64_t i = 0; i < line; i++) {
        const auto x = static_cast<size_t>(i / kColours);
        const auto* from = bytes + (y * width + across.first[x]) * kColours + i % kColours;
        wide[static_cast<size_t>((y - top) * line + i)] = blend(from, kColours, across.weights[x]);
      }
  });
  std::vector<uint8_t> result(static_cast<size_t>(rows.count * line));
  at::parallel_for(0, rows.count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; y++)
      for (int64_t i = 0; i < line; i++) {
        const auto row = static_cast<size_t>(y);
        const auto* from = wide.data() + (down.first[row] - top) * line + i;
        result[static_cast<size_t>(y * line + i)] = blend(from, line, down.weights[row]);
      }
  });
  return result;
}

// In float32 at every step, as the reference computes. into: (3, crop, crop)
void standardise(const std::vector<uint8_t>& bytes, const Window& columns, const Window& rows, const ClipPixels& how,
                 float* into) {
  for (int64_t c = 0; c < kColours; c++) {
    const auto mean = static_cast<float>(how.mean[static_cast<size_t>(c)]);
    const auto deviation = static_cast<float>(how.deviation[static_cast<size_t>(c)]);
    for (int64_t y = 0; y < how.crop; y++)
      for (int64_t x = 0; x < how.crop; x++) {
        const int64_t row = y + rows.before - rows.from, column = x + columns.before - columns.from;
        const bool inside = row >= 0 && row < rows.count && column >= 0 && column < columns.count;
        const auto place = static_cast<size_t>((row * columns.count + column) * kColours + c);
        const auto value = static_cast<float>((inside ? bytes[place] : 0) * how.scale);
        *into++ = (value - mean) / deviation;
      }
  }
}

void check(at::TensorList pictures, const ClipPixels& how) {
  const OptionCheck options("clip_pixels");
  const auto side = [&](const char* name, int64_t pixels) {
    options.require(pixels >= 1 && pixels <= kMostPixels, name, "1 to " + std::to_string(kMostPixels) + " pixels",
                    std::to_string(pixels));
  };
  side("size", how.size);
  side("crop", how.crop);
  for (const auto& [name, values] : {std::pair{"mean", how.mean}, std::pair{"deviation", how.deviation}})
    options.require(values.size() == kColours, name, "three numbers", std::to_string(values.size()));
  for (const auto& picture : pictures) {
    if (picture.dim() == 3 && picture.numel() > 0 && picture.size(2) == kColours &&
        picture.scalar_type() == at::kByte && picture.is_cpu())
      continue;
    throw Error("SHAPE_MISMATCH", "clip_pixels: this is no picture", "uint8 (height, width, 3) on the CPU",
                std::string(picture.toString()) + " of " + std::to_string(picture.dim()) + " dimensions");
  }
}

}  // namespace

at::Tensor clipPixels(at::TensorList pictures, const ClipPixels& how) {
  check(pictures, how);
  auto result = at::empty({static_cast<int64_t>(pictures.size()), kColours, how.crop, how.crop}, at::kFloat);
  auto* into = result.mutable_data_ptr<float>();
  for (const auto& given : pictures) {
    const auto picture = given.contiguous();
    const int64_t height = picture.size(0), width = picture.size(1), shorter = std::min(height, width);
    const auto resized = [&](int64_t length) {
      return static_cast<int64_t>(static_cast<double>(how.size * length) / static_cast<double>(shorter));
    };
    const Window columns(resized(width), how.crop), rows(resized(height), how.crop);
    const auto bytes = resize(picture, resized(width), resized(height), columns, rows);
    standardise(bytes, columns, rows, how, into);
    into += kColours * how.crop * how.crop;
  }
  return result;
}

}  // namespace eegtorch
