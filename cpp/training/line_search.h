// A search along one line for a point that meets the strong Wolfe conditions (Nocedal and Wright 2006, section 3.5).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace eegtorch {

// What is known of one point of the line.
struct LinePoint {
  double at = 0;  // distance, in lengths of the direction
  double loss = 0;
  double slope = 0;     // of the loss along the direction
  at::Tensor gradient;  // flat
};

struct LineSearchLimits {
  int64_t rounds = 25;  // points that are tried after the first
  double shortest = 0;  // bracket that is still narrowed
};

struct LineSearchResult {
  LinePoint point;
  int64_t evaluations = 0;
};

// start: the point at 0. first: the distance tried first. evaluate: the point at a distance.
LineSearchResult searchLine(const LinePoint& start, double first, const LineSearchLimits& limits,
                            const std::function<LinePoint(double)>& evaluate);

}  // namespace eegtorch
