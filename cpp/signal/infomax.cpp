#include "signal/infomax.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/check.h"
#include "core/error.h"
#include "signal/principal_components.h"
#include "signal/random_state.h"
#include "signal/time_lanes.h"

namespace eegtorch {

namespace {

using at::Tensor;

constexpr double kLargestWeight = 1e8, kRestartFactor = 0.9, kSmallestRate = 1e-10;
// Of the signs of extended Infomax: memory of the kurtosis, its bias towards peaked sources, and how often it is looked
// at.
constexpr double kKurtosisMemory = 0.5, kKurtosisBias = 0.02;
constexpr int64_t kSettledCount = 25, kSettledFactor = 2;
constexpr int64_t kLaneRows = 64;

// A permutation of 0 .. n - 1 as MNE draws it: the order of n uniform numbers.
Tensor drawPermutation(int64_t n, RandomState& random) {
  std::vector<std::pair<double, int64_t>> drawn(n);
  for (int64_t i = 0; i < n; i++) drawn[i] = {random.uniform(), i};
  std::sort(drawn.begin(), drawn.end());
  auto order = at::empty({n}, at::kLong);
  auto* out = order.data_ptr<int64_t>();
  for (int64_t i = 0; i < n; i++) out[i] = drawn[i].second;
  return order;
}

// Which sources are taken as peaked (1) and which as flat (-1), from their kurtosis now and before.
class SourceSigns {
 public:
  SourceSigns(const Tensor& samples, const InfomaxOptions& options)
      : samples_(samples), options_(options), kurtosis_(at::zeros({samples.size(1)}, samples.options())) {
    reset();
  }

  const Tensor& signs() const { return signs_; }

  void reset() {
    signs_ = at::ones({samples_.size(1)}, samples_.options());
    signs_.narrow(0, 0, options_.n_subgauss).fill_(-1);
    former_ = at::zeros_like(signs_);
    interval_ = options_.ext_blocks;
  }

  // block: their number so far.
  void look(int64_t block, const Tensor& weights, RandomState& random) {
    if (!options_.extended || interval_ < 1 || block % interval_ != 0) return;
    kurtosis_ = kKurtosisMemory * kurtosis_ + (1 - kKurtosisMemory) * kurtosisNow(weights, random);
    signs_ = (kurtosis_ + kKurtosisBias).sign();
    settled_ = signs_.equal(former_) ? settled_ + 1 : 0;
    former_ = signs_;
    if (settled_ < kSettledCount) return;
    interval_ *= kSettledFactor;
    settled_ = 0;
  }

 private:
  Tensor kurtosisNow(const Tensor& weights, RandomState& random) const {
    const auto samples = samples_.size(0), size = std::min(options_.kurt_size, samples);
    Tensor rows;
    if (size < samples) {
      auto picks = at::empty({size}, at::kLong);
      auto* pick = picks.data_ptr<int64_t>();
      for (int64_t i = 0; i < size; i++)
        pick[i] = static_cast<int64_t>(std::floor(random.uniform() * static_cast<double>(samples - 1)));
      rows = picks.to(samples_.device());
    }
    const auto sources = sourcesAt(rows, size, weights);
    return excessKurtosis(sources);
  }

  // (size, components)
  Tensor sourcesAt(const Tensor& rows, int64_t size, const Tensor& weights) const {
    auto sources = at::empty({size, weights.size(1)}, samples_.options());
    TimeLanes(size, samples_.device(), weights.numel()).run([&](int64_t, int64_t from, int64_t count) {
      const auto block =
          rows.defined() ? samples_.index_select(0, rows.narrow(0, from, count)) : samples_.narrow(0, from, count);
      auto part = sources.narrow(0, from, count);
      at::mm_out(part, block, weights);
    });
    return sources;
  }

  static Tensor excessKurtosis(const Tensor& sources) {
    const TimeLanes lanes(sources.size(0), sources.device(), 4 * sources.size(1));
    const auto options = sources.options();
    const auto n = sources.size(1), count = sources.size(0);
    const auto sums = lanes.zeros({n}, options), squares = lanes.zeros({n}, options),
               fourths = lanes.zeros({n}, options);
    lanes.run([&](int64_t lane, int64_t from, int64_t size) { sums[lane].add_(sources.narrow(0, from, size).sum(0)); });
    const auto mean = addLanes(sums) / count;
    lanes.run([&](int64_t lane, int64_t from, int64_t size) {
      const auto square = (sources.narrow(0, from, size) - mean).square_();
      squares[lane].add_(square.sum(0));
      fourths[lane].add_(square.square().sum(0));
    });
    return addLanes(fourths) * count / addLanes(squares).square() - 3;
  }

  Tensor samples_;
  InfomaxOptions options_;
  Tensor kurtosis_, signs_, former_;
  int64_t interval_ = 1, settled_ = 0;
};

// Weights, which turn samples (rows) into sources, and what is added to the sources.
struct State {
  Tensor weights, bias;
};

class Infomax {
 public:
  Infomax(const Tensor& white, const InfomaxOptions& options)
      : options_(options),
        samples_(white.t().contiguous()),
        n_(white.size(0)),
        random_(static_cast<uint32_t>(options.seed)),
        signs_(samples_, options),
        block_(options.block.value_or(std::max<int64_t>(1, std::floor(std::sqrt(white.size(1) / 3.0))))),
        rate_(options.l_rate.value_or(0.01 / std::log(static_cast<double>(n_ * n_)))),
        identity_(at::eye(n_, white.options())) {
    restart();
  }

  Unmixing run() {
    Unmixing result;
    int64_t last = options_.max_iter;
    while (result.iterations < last) {
      if (!pass()) {
        lowerRate();
        result.iterations = 0;
        continue;
      }
      result.iterations++;
      const double change = anneal(result.iterations);
      if (options_.n_small_angle && small_turns_ > *options_.n_small_angle) last = result.iterations;
      result.converged = last == result.iterations && last < options_.max_iter;
      if (result.iterations > 2 && change < options_.w_change) {
        result.converged = true;
        break;
      }
      if (change > options_.blowup) rate_ *= options_.blowup_fac;
    }
    result.matrix = state_.weights.t().contiguous();
    return result;
  }

 private:
  void restart() {
    state_ = {identity_.clone(), at::zeros({n_}, samples_.options())};
    former_ = identity_.clone();
    signs_.reset();
  }

  // One pass over the shuffled recording; false where the weights blew up.
  bool pass() {
    const auto order = drawPermutation(samples_.size(0), random_).to(samples_.device());
    const int64_t blocks = samples_.size(0) / block_;
    for (int64_t b = 0; b < blocks; b++) {
      stopIfCancelled();
      step(order.narrow(0, b * block_, block_));
      blocks_++;
      if (!(state_.weights.abs().max().item<double>() <= kLargestWeight)) return false;
      signs_.look(blocks_, state_.weights, random_);
    }
    return true;
  }

  // A natural-gradient step on some samples.
  void step(const Tensor& rows) {
    const TimeLanes lanes(rows.size(0), samples_.device(), 2 * n_ * n_, kLaneRows);
    const auto products = lanes.zeros({n_, n_}, samples_.options());
    const auto sums = lanes.zeros({n_}, samples_.options());
    lanes.run([&](int64_t lane, int64_t from, int64_t count) {
      const auto u = at::mm(samples_.index_select(0, rows.narrow(0, from, count)), state_.weights).add_(state_.bias);
      // Extended: -2 tanh in the bias, -(signs tanh + u) in the weights; else 1 - 2 sigmoid = -tanh(u / 2) in both.
      const auto y = options_.extended ? u.tanh() : (u * 0.5).tanh_();
      sums[lane].add_(y.sum(0));
      products[lane].addmm_(u.t(), options_.extended ? y * signs_.signs() + u : y);
    });
    onOneThread([&] {
      const auto natural = identity_ * rows.size(0) - addLanes(products);
      state_.weights.add_(at::mm(state_.weights, natural), rate_);
      if (options_.use_bias) state_.bias.add_(addLanes(sums), options_.extended ? -2 * rate_ : -rate_);
    });
  }

  // Lowers the rate where the weights' change turned; returns the squared size of the change.
  double anneal(int64_t pass) {
    const auto move = state_.weights - former_;
    const double change = move.square().sum().item<double>();
    double turn = 0;
    if (pass > 2) {
      const double cosine = (move * former_move_).sum().item<double>() / std::sqrt(change * former_change_);
      turn = std::acos(cosine) * 180 / M_PI;
    }
    former_ = state_.weights.clone();
    if (turn > options_.anneal_deg) rate_ *= options_.anneal_step;
    if (turn > options_.anneal_deg || pass == 1) {
      former_move_ = move;
      former_change_ = change;
    }
    small_turns_ = turn > options_.anneal_deg ? 0 : small_turns_ + 1;
    return change;
  }

  void lowerRate() {
    rate_ *= kRestartFactor;
    if (rate_ <= kSmallestRate) {
      throw Error("INVALID_OPTION", "infomax: the weights grow without bound at any rate",
                  "a recording whose whitened channels are independent", "one that is not");
    }
    blocks_ = 1;
    former_move_ = at::zeros_like(identity_);
    restart();
  }

  InfomaxOptions options_;
  Tensor samples_;  // (samples, components)
  int64_t n_;
  RandomState random_;
  SourceSigns signs_;
  int64_t block_, blocks_ = 0;
  double rate_;
  Tensor identity_, former_, former_move_;
  State state_;
  double former_change_ = 0;
  int64_t small_turns_ = 0;
};

}  // namespace

Unmixing infomax(const Tensor& white, const InfomaxOptions& options) {
  constexpr auto owner = "infomax";
  checkRecording(owner, white, "components");
  const OptionCheck check(owner);
  const auto n = white.size(0);
  check.require(n >= 2, "components", "2 or more", std::to_string(n));
  check.size("max_iter", options.max_iter);
  check.size("kurt_size", options.kurt_size);
  check.require(options.seed >= 0 && options.seed <= UINT32_MAX, "seed", "a whole number from 0 to 4294967295",
                std::to_string(options.seed));
  check.require(options.n_subgauss >= 0 && options.n_subgauss <= n, "n_subgauss",
                "a number of sources from 0 to " + std::to_string(n), std::to_string(options.n_subgauss));
  check.require(options.ext_blocks >= 0, "ext_blocks", "0 or above", std::to_string(options.ext_blocks));
  if (options.l_rate) check.positive("l_rate", *options.l_rate);
  const auto block = options.block.value_or(1);
  check.require(block >= 1 && block <= white.size(1), "block",
                "a number of samples from 1 to " + std::to_string(white.size(1)), std::to_string(block));
  return Infomax(white.detach(), options).run();
}

}  // namespace eegtorch
