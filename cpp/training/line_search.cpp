#include "training/line_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace eegtorch {
namespace {

constexpr double kSufficient = 1e-4, kCurvature = 0.9;  // the conditions' constants

// The lowest point between two of the cubic through their losses and slopes; the middle where there is none.
double cubicMinimum(const LinePoint& a, const LinePoint& b, double from, double to) {
  const LinePoint &left = a.at <= b.at ? a : b, &right = a.at <= b.at ? b : a;
  const double mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.at - b.at);
  const double square = mean * mean - a.slope * b.slope;
  if (!(square >= 0)) return (from + to) / 2;
  const double root = std::sqrt(square);
  const double share = (right.slope + root - mean) / (right.slope - left.slope + 2 * root);
  return std::min(std::max(right.at - (right.at - left.at) * share, from), to);
}

class LineSearch {
 public:
  LineSearch(const LinePoint& start, const LineSearchLimits& limits, const std::function<LinePoint(double)>& evaluate)
      : start_(start), limits_(limits), evaluate_(evaluate) {}

  LineSearchResult run(double first) {
    bracket(first);
    while (!found_ && rounds_ < limits_.rounds && std::abs(ends_[1].at - ends_[0].at) >= limits_.shortest) narrow();
    return {low(), evaluations_};
  }

 private:
  const LinePoint& low() const { return ends_[lower_]; }
  const LinePoint& high() const { return ends_[1 - lower_]; }

  LinePoint evaluate(double at) {
    evaluations_++;
    return evaluate_(at);
  }
  bool tooHigh(const LinePoint& point) const {
    return point.loss > start_.loss + kSufficient * point.at * start_.slope;
  }
  bool isFlat(const LinePoint& point) const { return std::abs(point.slope) <= -kCurvature * start_.slope; }

  void order() { lower_ = ends_[0].loss <= ends_[1].loss ? 0 : 1; }
  void setEnds(LinePoint a, LinePoint b) {
    ends_ = {std::move(a), std::move(b)};
    order();
  }

  // Goes on until a point is good, or the good ones lie between the last two.
  void bracket(double first) {
    LinePoint before = start_, point = evaluate(first);
    for (; rounds_ < limits_.rounds; rounds_++) {
      found_ = isFlat(point) && !tooHigh(point) && !(rounds_ > 1 && point.loss >= before.loss);
      if (found_) return setEnds(point, point);
      if (tooHigh(point) || (rounds_ > 1 && point.loss >= before.loss) || point.slope >= 0)
        return setEnds(before, point);
      const double next = cubicMinimum(before, point, point.at + 0.01 * (point.at - before.at), point.at * 10);
      before = std::exchange(point, evaluate(next));
    }
    setEnds(start_, point);
  }

  // Replaces one end by a point between them.
  void narrow() {
    LinePoint point = evaluate(insideBracket());
    rounds_++;
    if (tooHigh(point) || point.loss >= low().loss) {
      ends_[1 - lower_] = std::move(point);
      return order();
    }
    found_ = isFlat(point);
    if (!found_ && point.slope * (high().at - low().at) >= 0) ends_[1 - lower_] = low();
    ends_[lower_] = std::move(point);
  }

  // The cubic's minimum, kept a tenth away from the ends when it comes near to them twice or lies on one.
  double insideBracket() {
    const double from = std::min(ends_[0].at, ends_[1].at), to = std::max(ends_[0].at, ends_[1].at);
    const double at = cubicMinimum(ends_[0], ends_[1], from, to), margin = 0.1 * (to - from);
    if (std::min(to - at, at - from) >= margin) return stalled_ = false, at;
    if (!stalled_ && at < to && at > from) return stalled_ = true, at;
    stalled_ = false;
    return std::abs(at - to) < std::abs(at - from) ? to - margin : from + margin;
  }

  const LinePoint& start_;
  const LineSearchLimits& limits_;
  const std::function<LinePoint(double)>& evaluate_;
  std::array<LinePoint, 2> ends_;
  int lower_ = 0;  // which of the ends has the lower loss
  bool found_ = false, stalled_ = false;
  int64_t rounds_ = 0, evaluations_ = 0;
};

}  // namespace

LineSearchResult searchLine(const LinePoint& start, double first, const LineSearchLimits& limits,
                            const std::function<LinePoint(double)>& evaluate) {
  return LineSearch(start, limits, evaluate).run(first);
}

}  // namespace eegtorch
