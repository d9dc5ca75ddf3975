// Limited-memory BFGS (Liu and Nocedal 1989; Nocedal and Wright 2006, chapters 3 and 7), with the steps, options and
// stopping rules of torch.optim.LBFGS. It looks at all parameters as one vector and evaluates the loss several times.
#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/named_tensors.h"
#include "training/line_search.h"

namespace eegtorch {

struct LbfgsConfig {
  double lr = 1;
  int64_t max_iter = 20;
  std::optional<int64_t> max_eval;
  double tolerance_grad = 1e-7, tolerance_change = 1e-9;
  int64_t history_size = 100;
  bool strong_wolfe = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("lr", lr, "length of a step, the first one a line search tries");
    visit("max_iter", max_iter, "steps along a new direction in each training step");
    visit("max_eval", max_eval, "evaluations of the loss in each training step; null for a quarter more than max_iter");
    visit("tolerance_grad", tolerance_grad, "stop where no part of the gradient is larger");
    visit("tolerance_change", tolerance_change, "stop where neither loss nor weights change by more");
    visit("history_size", history_size, "moves that are remembered, each the size of two gradients");
    visit("strong_wolfe", strong_wolfe, "search each line for a point that meets the strong Wolfe conditions");
  }
};

class Lbfgs {
 public:
  Lbfgs(std::vector<at::Tensor> parameters, const Value& options);

  // Puts the loss's gradient at the parameters' present values into their grad(); returns the loss.
  using Closure = std::function<double()>;

  // factor: on the learning rate.
  void step(const Closure& closure, double factor);

  // direction, moves, gradient_changes, curvatures, gradient and scalars; the first dimension of three grows.
  NamedTensors state() const;
  // What puts such a state in: CHECKPOINT_MISMATCH for what is none.
  std::function<void()> restoring(const NamedTensors& state);

 private:
  at::Tensor gradient() const;
  void move(double length, const at::Tensor& direction);
  LinePoint evaluate(const Closure& closure, const at::Tensor& direction);
  LineSearchResult searchAlong(const LinePoint& start, const Closure& closure, const LineSearchLimits& limits);
  void remember(const at::Tensor& gradient);
  at::Tensor newDirection(const at::Tensor& gradient) const;

  LbfgsConfig config_;
  std::vector<at::Tensor> parameters_;
  int64_t size_ = 0;                        // numbers in all parameters
  std::deque<at::Tensor> moves_, changes_;  // of the weights and of the gradient
  std::deque<double> curvatures_;           // 1 / (move . change)
  at::Tensor direction_, gradient_;         // of the last step
  double length_ = 0, scale_ = 1;           // of that step, and of the first guess at the inverse Hessian
  int64_t steps_ = 0;
};

}  // namespace eegtorch
