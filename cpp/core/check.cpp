#include "core/check.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "core/dtype.h"
#include "core/error.h"
#include "core/value.h"

namespace eegtorch {

void OptionCheck::require(bool holds, const char* option, const std::string& expected,
                          const std::string& received) const {
  if (holds) return;
  throw Error("INVALID_OPTION", owner_ + ": option " + option + " is out of range", expected, received, option);
}

void OptionCheck::size(const char* option, int64_t value) const {
  require(value >= 1 && value <= std::numeric_limits<int32_t>::max(), option, "an integer from 1 to 2147483647",
          Value(value).show());
}

void OptionCheck::sizes(const char* option, const std::vector<int64_t>& values) const {
  require(!values.empty(), option, "at least one integer", "none");
  for (const int64_t value : values) size(option, value);
}

void OptionCheck::positive(const char* option, double value) const {
  require(std::isfinite(value) && value > 0, option, "a number above 0", Value(value).show());
}

void OptionCheck::weight(const char* option, double value) const {
  require(std::isfinite(value) && value >= 0, option, "a number, 0 or above", Value(value).show());
}

void OptionCheck::fraction(const char* option, double value) const {
  require(value >= 0 && value <= 1, option, "a number from 0 to 1", Value(value).show());
}

void OptionCheck::divides(const char* option, int64_t value, const std::string& other, int64_t of) const {
  size(option, value);
  require(of % value == 0, option, "a divisor of " + other + ", " + std::to_string(of), std::to_string(value));
}

std::string showShape(at::IntArrayRef sizes) {
  std::ostringstream out;
  for (size_t i = 0; i < sizes.size(); i++) out << (i ? ", " : "(") << sizes[i];
  out << (sizes.empty() ? "()" : ")");
  return out.str();
}

namespace {

std::string showAxes(std::initializer_list<Axis> axes) {
  std::ostringstream out;
  const char* before = "(";
  for (const auto& axis : axes) {
    out << before;
    if (axis.size >= 0) out << axis.size << ' ';
    out << axis.name;
    before = ", ";
  }
  out << ')';
  return out.str();
}

bool fits(at::IntArrayRef sizes, std::initializer_list<Axis> axes) {
  if (sizes.size() != axes.size()) return false;
  size_t i = 0;
  for (const auto& axis : axes) {
    if (axis.size >= 0 && axis.size != sizes[i]) return false;
    i++;
  }
  return true;
}

[[noreturn]] void refuse(const char* code, const char* model, const std::string& expected,
                         const std::string& received) {
  throw Error(code, std::string(model) + " expects " + expected + ", received " + received, expected, received);
}

void checkKind(const char* model, const at::Tensor& input, const at::Tensor& parameter) {
  if (input.device() != parameter.device())
    refuse("DEVICE_MISMATCH", model, "a tensor on " + parameter.device().str(), "one on " + input.device().str());
  const bool converted = at::autocast::is_autocast_enabled(input.device().type()) && input.is_floating_point();
  if (input.scalar_type() != parameter.scalar_type() && !converted)
    refuse("DTYPE_MISMATCH", model, c10::toString(parameter.scalar_type()), c10::toString(input.scalar_type()));
}

}  // namespace

void checkInput(const char* model, const at::Tensor& input, const at::Tensor& parameter,
                std::initializer_list<Axis> expected) {
  if (!fits(input.sizes(), expected)) refuse("SHAPE_MISMATCH", model, showAxes(expected), showShape(input.sizes()));
  checkKind(model, input, parameter);
}

void checkAlike(const char* owner, const at::Tensor& input, const at::Tensor& other) {
  if (input.sizes() != other.sizes())
    refuse("SHAPE_MISMATCH", owner, showShape(other.sizes()), showShape(input.sizes()));
  checkKind(owner, input, other);
}

namespace {

void checkWhole(const char* owner, const at::Tensor& tensor, std::initializer_list<Axis> expected, bool or_bool) {
  if (!fits(tensor.sizes(), expected)) refuse("SHAPE_MISMATCH", owner, showAxes(expected), showShape(tensor.sizes()));
  if (tensor.scalar_type() == at::kLong || (or_bool && tensor.scalar_type() == at::kBool)) return;
  refuse("DTYPE_MISMATCH", owner, or_bool ? "int64 or bool" : "int64", dtypeName(tensor.scalar_type()));
}

}  // namespace

void checkFlags(const char* owner, const at::Tensor& flags, std::initializer_list<Axis> expected) {
  checkWhole(owner, flags, expected, true);
}

void checkIndices(const char* owner, const at::Tensor& indices, std::initializer_list<Axis> expected) {
  checkWhole(owner, indices, expected, false);
}

}  // namespace eegtorch
