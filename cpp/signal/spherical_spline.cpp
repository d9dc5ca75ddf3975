#include "signal/spherical_spline.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/channels.h"
#include "signal/check.h"
#include "signal/rows.h"
#include "signal/side_by_side.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

void checkPositions(const char* owner, const at::Tensor& positions, int64_t channels) {
  if (positions.dim() != 2 || positions.size(0) != channels || positions.size(1) != 3)
    throw Error("SHAPE_MISMATCH", std::string(owner) + ": positions need another shape",
                "(" + std::to_string(channels) + ", 3)", showShape(positions.sizes()), "positions");
}

void checkSpline(const OptionCheck& check, const SplineOptions& options) {
  check.require(options.regularization >= 0 && options.regularization < 1, "regularization", "from 0 to below 1",
                std::to_string(options.regularization));
  check.weight("stiffness", options.stiffness);
  check.require(options.terms >= 1 && options.terms <= 10000, "terms", "from 1 to 10000",
                std::to_string(options.terms));
}

// Directions from `origin`: float64, on the CPU, of length 1.
at::Tensor directions(const char* owner, const at::Tensor& positions, at::ArrayRef<double> origin) {
  OptionCheck(owner).require(origin.size() == 3, "origin", "three numbers", std::to_string(origin.size()));
  const auto from = positions.to(at::kCPU, at::kDouble) - at::tensor(origin, at::kDouble);
  const auto length = from.norm(2, -1, true);
  const bool valid = length.isfinite().all().item<bool>() && length.gt(0).all().item<bool>();
  OptionCheck(owner).require(valid, "positions", "finite positions away from the centre of the head",
                             "one that is not");
  return from / length;
}

constexpr int64_t kLanes = 32;  // cosines that go through a series together

// A sum over n = 1 .. terms of factors[n] P_n(x), P_n being Legendre's polynomials: (n + 1) P_n+1 = (2n + 1) x P_n - n
// P_n-1.
struct LegendreSeries {
  std::vector<double> factors, up, down;  // of P_n, of x P_n and of P_n-1 on the way to P_n+1

  LegendreSeries(double power, int64_t terms) {
    for (int64_t i = 1; i <= terms; i++) {
      const auto n = static_cast<double>(i);
      factors.push_back((2 * n + 1) / (4 * M_PI * std::pow(n * (n + 1), power)));
      up.push_back((2 * n + 1) / (n + 1));
      down.push_back(n / (n + 1));
    }
  }

  void sum(const double* x, double* sums) const {
    double before[kLanes], polynomial[kLanes], total[kLanes];
    for (int64_t k = 0; k < kLanes; k++) {
      before[k] = 1;
      polynomial[k] = x[k];
      total[k] = 0;
    }
    for (size_t i = 0; i < factors.size(); i++) {
      const double factor = factors[i], a = up[i], b = down[i];
      for (int64_t k = 0; k < kLanes; k++) {
        total[k] += factor * polynomial[k];
        const double next = a * x[k] * polynomial[k] - b * before[k];
        before[k] = polynomial[k];
        polynomial[k] = next;
      }
    }
    std::copy_n(total, kLanes, sums);
  }
};

// Sum over n = 1 .. terms of (2n + 1) / (4 pi (n (n + 1))^power) P_n(cosine).
at::Tensor legendreSeries(const at::Tensor& cosines, double power, int64_t terms) {
  const LegendreSeries series(power, terms);
  const auto given = cosines.contiguous();
  auto result = at::empty_like(given);
  const auto* x = given.const_data_ptr<double>();
  auto* sums = result.mutable_data_ptr<double>();
  const auto count = given.numel();
  at::parallel_for(0, (count + kLanes - 1) / kLanes, 4096 / kLanes, [&](int64_t from, int64_t to) {
    double some[kLanes] = {}, ends[kLanes];
    for (int64_t start = from * kLanes; start < std::min(count, to * kLanes); start += kLanes) {
      const auto length = std::min(kLanes, count - start);
      std::copy_n(x + start, length, some);
      series.sum(some, ends);
      std::copy_n(ends, length, sums + start);
    }
  });
  return result;
}

at::Tensor cosinesBetween(const at::Tensor& a, const at::Tensor& b) { return at::matmul(a, b.t()).clamp_(-1, 1); }

at::Tensor regularised(const at::Tensor& cosines, const SplineOptions& options) {
  auto g = legendreSeries(cosines, options.stiffness, options.terms);
  g.diagonal().add_(options.regularization);
  return g;
}

}  // namespace

at::Tensor splineWeights(const char* owner, const at::Tensor& from, const at::Tensor& to,
                         const SplineOptions& options) {
  checkSpline(OptionCheck(owner), options);
  const auto electrodes = from.size(0);
  const auto ones = at::ones({electrodes, 1}, from.options());
  const auto g = regularised(cosinesBetween(from, from), options);
  const auto corner = at::zeros({1, 1}, from.options());
  const auto system = at::cat({at::cat({g, ones}, 1), at::cat({ones.t(), corner}, 1)});
  const auto wanted = at::cat({legendreSeries(cosinesBetween(to, from), options.stiffness, options.terms),
                               at::ones({to.size(0), 1}, from.options())},
                              1);
  at::Tensor inverse;
  onOneThread([&] { inverse = at::linalg_pinv(system).narrow(1, 0, electrodes); });
  return at::matmul(wanted, inverse);
}

namespace {

// Copies good channels and writes bad ones as sums of them. weights (bad, good); signals lie `samples` apart.
template <class Number>
struct Repair {
  const Number* weights;
  const std::vector<int64_t>& good;
  at::IntArrayRef bad;
  int64_t samples;

  void operator()(const Number* x, Number* out, int64_t length) const {
    for (const auto channel : bad) std::fill_n(out + channel * samples, length, Number(0));
    for (size_t i = 0; i < good.size(); i++) {
      const auto* own = x + good[i] * samples;
      std::copy_n(own, length, out + good[i] * samples);
      for (size_t b = 0; b < bad.size(); b++) add(weights[b * good.size() + i], own, length, out + bad[b] * samples);
    }
  }

  static void add(Number weight, const Number* x, int64_t length, Number* __restrict out) {
    for (int64_t t = 0; t < length; t++) out[t] += weight * x[t];
  }
};

}  // namespace

at::Tensor interpolateChannels(const at::Tensor& x, const at::Tensor& positions, at::IntArrayRef bad,
                               at::ArrayRef<double> origin) {
  constexpr auto owner = "interpolate_channels";
  checkChannels(owner, x);
  checkPositions(owner, positions, x.size(-2));
  checkChannelNumbers(owner, "bad", x, bad);
  if (bad.empty()) return x.clone();
  const auto good = otherChannels(x, bad);
  OptionCheck(owner).require(!good.empty(), "bad", "at least one channel that is not", "every channel");
  const auto all = directions(owner, positions, origin);
  const auto weights =
      splineWeights(owner, all.index_select(0, at::tensor(good)), all.index_select(0, at::tensor(bad)), {})
          .to(x.options())
          .contiguous();
  auto result = at::empty_like(x, at::MemoryFormat::Contiguous);
  if (!x.is_cpu())
    return result.copy_(x).index_copy_(-2, at::tensor(bad, x.device()),
                                       at::matmul(weights, x.index_select(-2, at::tensor(good, x.device()))));
  const auto source = x.contiguous();
  withNumber(x, [&]<class Number>() {
    const Repair<Number> repair{weights.const_data_ptr<Number>(), good, bad, x.size(-1)};
    const auto* given = source.template const_data_ptr<Number>();
    auto* repaired = result.template mutable_data_ptr<Number>();
    // Piece by piece, so that the recording goes through memory once.
    overTime(x, [&](int64_t from, int64_t length) {
      for (int64_t first = from; first < x.numel(); first += x.size(-2) * x.size(-1))
        repair(given + first, repaired + first, length);
    });
  });
  return result;
}

at::Tensor currentSourceDensity(const at::Tensor& x, const at::Tensor& positions, at::ArrayRef<double> origin,
                                double radius, const SplineOptions& options) {
  constexpr auto owner = "current_source_density";
  checkChannels(owner, x);
  const auto channels = x.size(-2);
  checkPositions(owner, positions, channels);
  const OptionCheck check(owner);
  checkSpline(check, options);
  check.positive("radius", radius);
  const auto all = directions(owner, positions, origin);
  const auto cosines = cosinesBetween(all, all);
  at::Tensor inverse;
  onOneThread([&] { inverse = at::linalg_inv(regularised(cosines, options)); });
  const auto column = inverse.sum(0);  // (channels)
  const auto centred = inverse - inverse.mean(1, true);
  const auto coefficients = centred - at::outer(column, centred.sum(0) / column.sum());
  const auto h = legendreSeries(cosines, options.stiffness - 1, options.terms);
  return at::matmul((at::matmul(coefficients.t(), h).t() / (radius * radius)).to(x.options()), x);
}

namespace {

constexpr int64_t kPictures = 16;  // made together, so that they are one matrix product

// Directions of the pixels within the rim, and their numbers; row 0 is at the nose, column 0 at the left ear.
struct Pixels {
  std::vector<double> directions;
  std::vector<int64_t> numbers;
};

Pixels pixelsWithin(int64_t rows, int64_t columns) {
  Pixels pixels;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = 0; column < columns; column++) {
      const double x = (2. * static_cast<double>(column) + 1) / static_cast<double>(columns) - 1;
      const double y = 1 - (2. * static_cast<double>(row) + 1) / static_cast<double>(rows);
      const double distance = std::hypot(x, y);
      if (distance > 1) continue;
      const double scale = distance == 0 ? 0 : std::sin(distance * M_PI / 2) / distance;
      for (const double value : {x * scale, y * scale, std::cos(distance * M_PI / 2)})
        pixels.directions.push_back(value);
      pixels.numbers.push_back(row * columns + column);
    }
  return pixels;
}

}  // namespace

at::Tensor topography(const at::Tensor& x, const at::Tensor& positions, int64_t rows, int64_t columns, double outside,
                      const SplineOptions& options) {
  constexpr auto owner = "topography";
  checkSignal(owner, x);
  const auto channels = x.size(-1);
  checkPositions(owner, positions, channels);
  OptionCheck(owner).require(rows >= 2 && columns >= 2 && rows <= 4096 && columns <= 4096, "size",
                             "from 2 to 4096 rows and columns", std::to_string(rows) + " x " + std::to_string(columns));
  const auto pixels = pixelsWithin(rows, columns);
  const auto to = at::tensor(pixels.directions, at::kDouble).view({-1, 3});
  const std::vector<double> centre(3, 0);
  const auto inside = at::tensor(pixels.numbers);
  const auto weights =
      at::zeros({rows * columns, channels}, at::kDouble)
          .index_copy_(0, inside, splineWeights(owner, directions(owner, positions, centre), to, options));
  const auto values = x.reshape({-1, channels});
  const auto own = weights.to(x.options()).t();
  const auto beyond = at::ones({rows * columns}, at::kBool).index_fill_(0, inside, false).to(x.device());
  const auto result = at::empty({values.size(0), rows * columns}, x.options());
  const auto groups = (values.size(0) + kPictures - 1) / kPictures;
  overRows(x, groups, kPictures * rows * columns, [&](int64_t from, int64_t to) {
    const auto first = from * kPictures, count = std::min(to * kPictures, values.size(0)) - first;
    auto images = result.narrow(0, first, count);
    at::mm_out(images, values.narrow(0, first, count), own);
    images.masked_fill_(beyond, outside);
  });
  std::vector<int64_t> shape(x.sizes().begin(), x.sizes().end() - 1);
  shape.insert(shape.end(), {rows, columns});
  return result.view(shape);
}

}  // namespace eegtorch
