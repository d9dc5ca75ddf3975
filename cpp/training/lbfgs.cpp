#include "training/lbfgs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/check.h"
#include "core/error.h"

namespace eegtorch {
namespace {

constexpr double kLeastCurvature = 1e-10;  // below it a move says nothing of the Hessian

double dotProduct(const at::Tensor& a, const at::Tensor& b) { return at::dot(a, b).item<double>(); }
double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

void check(const LbfgsConfig& config) {
  const OptionCheck options("lbfgs");
  options.require(config.lr >= 0 && std::isfinite(config.lr), "lr", "a number, 0 or more", std::to_string(config.lr));
  options.size("max_iter", config.max_iter);
  options.size("max_eval", config.max_eval.value_or(1));
  options.size("history_size", config.history_size);
  options.require(config.tolerance_grad >= 0, "tolerance_grad", "0 or more", std::to_string(config.tolerance_grad));
  options.require(config.tolerance_change >= 0, "tolerance_change", "0 or more",
                  std::to_string(config.tolerance_change));
}

// (count, size); a deque of none still tells the size.
at::Tensor stacked(const std::deque<at::Tensor>& vectors, const at::Tensor& like) {
  if (vectors.empty()) return at::empty({0, like.size(0)}, like.options());
  return at::stack(std::vector<at::Tensor>(vectors.begin(), vectors.end()));
}

}  // namespace

Lbfgs::Lbfgs(std::vector<at::Tensor> parameters, const Value& options)
    : config_(readConfig<LbfgsConfig>(options, "lbfgs")), parameters_(std::move(parameters)) {
  check(config_);
  for (const auto& parameter : parameters_) size_ += parameter.numel();
  const auto& first = parameters_.at(0);
  direction_ = at::zeros({size_}, first.options().requires_grad(false));
  gradient_ = direction_.clone();
}

// All gradients in one row; zeros for a parameter without.
at::Tensor Lbfgs::gradient() const {
  std::vector<at::Tensor> parts;
  for (const auto& parameter : parameters_)
    parts.push_back(parameter.grad().defined() ? parameter.grad().reshape({-1})
                                               : at::zeros({parameter.numel()}, direction_.options()));
  return at::cat(parts);
}

void Lbfgs::move(double length, const at::Tensor& direction) {
  int64_t offset = 0;
  for (auto& parameter : parameters_) {
    parameter.add_(direction.slice(0, offset, offset + parameter.numel()).view_as(parameter), length);
    offset += parameter.numel();
  }
}

LinePoint Lbfgs::evaluate(const Closure& closure, const at::Tensor& direction) {
  LinePoint point;
  point.loss = closure();
  point.gradient = gradient();
  point.slope = dotProduct(point.gradient, direction);
  return point;
}

// What the last move told of the curvature.
void Lbfgs::remember(const at::Tensor& gradient) {
  const at::Tensor change = gradient - gradient_, move = direction_ * length_;
  const double curvature = dotProduct(change, move);
  if (!(curvature > kLeastCurvature)) return;
  if (static_cast<int64_t>(moves_.size()) == config_.history_size) {
    moves_.pop_front();
    changes_.pop_front();
    curvatures_.pop_front();
  }
  moves_.push_back(move);
  changes_.push_back(change);
  curvatures_.push_back(1 / curvature);
  scale_ = curvature / dotProduct(change, change);
}

// The gradient times minus the inverse Hessian that the remembered moves suggest, in two passes over them.
at::Tensor Lbfgs::newDirection(const at::Tensor& gradient) const {
  at::Tensor direction = gradient.neg();
  std::vector<double> shares(moves_.size());
  for (size_t i = moves_.size(); i-- > 0;) {
    shares[i] = dotProduct(moves_[i], direction) * curvatures_[i];
    direction.add_(changes_[i], -shares[i]);
  }
  direction.mul_(scale_);
  for (size_t i = 0; i < moves_.size(); i++)
    direction.add_(moves_[i], shares[i] - dotProduct(changes_[i], direction) * curvatures_[i]);
  return direction;
}

void Lbfgs::step(const Closure& closure, double factor) {
  c10::NoGradGuard no_grad;
  const double rate = config_.lr * factor;
  const int64_t most = config_.max_eval.value_or(config_.max_iter * 5 / 4);
  LinePoint here;
  here.loss = closure();
  here.gradient = gradient();
  int64_t evaluations = 1;
  if (largest(here.gradient) <= config_.tolerance_grad) return;

  for (int64_t iteration = 1; iteration <= config_.max_iter; iteration++) {
    if (steps_++ > 0) remember(here.gradient);
    direction_ = steps_ == 1 ? here.gradient.neg() : newDirection(here.gradient);
    length_ = steps_ == 1 ? std::min(1.0, 1 / here.gradient.abs().sum().item<double>()) * rate : rate;
    gradient_ = here.gradient;
    here.slope = dotProduct(here.gradient, direction_);
    here.at = 0;
    if (here.slope > -config_.tolerance_change) return;

    const double before = here.loss;
    if (config_.strong_wolfe) {
      const LineSearchLimits limits{most - evaluations, config_.tolerance_change / largest(direction_)};
      const auto found = searchAlong(here, closure, limits);
      here = found.point;
      length_ = here.at;
      evaluations += found.evaluations;
    } else {
      move(length_, direction_);
      if (iteration == config_.max_iter) return;
      here = evaluate(closure, direction_);
      evaluations++;
    }
    if (evaluations >= most || largest(here.gradient) <= config_.tolerance_grad) return;
    if (largest(direction_) * std::abs(length_) <= config_.tolerance_change) return;
    if (std::abs(here.loss - before) < config_.tolerance_change) return;
  }
}

// Leaves the parameters at the point that is found.
LineSearchResult Lbfgs::searchAlong(const LinePoint& start, const Closure& closure, const LineSearchLimits& limits) {
  std::vector<at::Tensor> origin;
  for (const auto& parameter : parameters_) origin.push_back(parameter.detach().clone());
  const auto place = [&](double at) {
    for (size_t i = 0; i < parameters_.size(); i++) parameters_[i].copy_(origin[i]);
    move(at, direction_);
  };
  const auto result = searchLine(start, length_, limits, [&](double at) {
    place(at);
    LinePoint point = evaluate(closure, direction_);
    point.at = at;
    return point;
  });
  place(result.point.at);
  return result;
}

NamedTensors Lbfgs::state() const {
  std::vector<double> scalars = {length_, scale_, static_cast<double>(steps_)};
  return {{"direction", direction_},
          {"gradient", gradient_},
          {"moves", stacked(moves_, direction_)},
          {"gradient_changes", stacked(changes_, direction_)},
          {"curvatures", at::tensor(std::vector<double>(curvatures_.begin(), curvatures_.end()), at::kDouble)},
          {"scalars", at::tensor(scalars, at::kDouble)}};
}

std::function<void()> Lbfgs::restoring(const NamedTensors& state) {
  const std::map<std::string, at::Tensor> given(state.begin(), state.end());
  const auto find = [&](const char* name, at::IntArrayRef sizes) {
    const auto found = given.find(name);
    if (found == given.end())
      throw Error("CHECKPOINT_MISMATCH",
                  std::string("the optimiser's state lacks ") + name + ": it is of another optimiser or network");
    if (found->second.sizes() != sizes)
      throw Error("CHECKPOINT_MISMATCH", std::string("the optimiser's state ") + name + " has another shape",
                  showShape(sizes), showShape(found->second.sizes()));
    return found->second;
  };
  const auto known = given.find("curvatures");
  const int64_t count = known == given.end() || known->second.dim() != 1 ? 0 : known->second.size(0);
  if (count > config_.history_size)
    throw Error("CHECKPOINT_MISMATCH", "the optimiser's state remembers more moves than it may",
                std::to_string(config_.history_size) + " or fewer", std::to_string(count));
  const at::Tensor curvatures = find("curvatures", {count}).to(at::kDouble).cpu().contiguous();
  const at::Tensor scalars = find("scalars", {3}).to(at::kDouble).cpu().contiguous();
  const at::Tensor moves = find("moves", {count, size_}).to(direction_.options(), false, true);
  const at::Tensor changes = find("gradient_changes", {count, size_}).to(direction_.options(), false, true);
  const at::Tensor direction = find("direction", {size_}), gradient = find("gradient", {size_});

  return [=, this] {
    direction_ = direction.to(direction_.options(), false, true);
    gradient_ = gradient.to(gradient_.options(), false, true);
    moves_.clear();
    changes_.clear();
    curvatures_.assign(curvatures.const_data_ptr<double>(), curvatures.const_data_ptr<double>() + count);
    // Each in memory of its own, as they were: how a dot product rounds depends on the alignment.
    for (int64_t i = 0; i < count; i++) {
      moves_.push_back(moves[i].clone());
      changes_.push_back(changes[i].clone());
    }
    length_ = scalars[0].item<double>();
    scale_ = scalars[1].item<double>();
    steps_ = scalars[2].item<int64_t>();
  };
}

}  // namespace eegtorch
