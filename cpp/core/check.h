// Checks of what options mean (readConfig has checked their types) and of the tensors a network is given.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace eegtorch {

// Checks of one network's options. Each failure is INVALID_OPTION and names the option.
class OptionCheck {
 public:
  explicit OptionCheck(std::string owner) : owner_(std::move(owner)) {}

  // Sizes and counts: from 1 to 2^31 - 1, so that products of two fit 64 bits.
  void size(const char* option, int64_t value) const;
  void sizes(const char* option, const std::vector<int64_t>& values) const;
  // A finite number above 0.
  void positive(const char* option, double value) const;
  // A finite number, 0 or above: the weight of a term.
  void weight(const char* option, double value) const;
  // A number in [0, 1].
  void fraction(const char* option, double value) const;
  // A divisor of another option's value.
  void divides(const char* option, int64_t value, const std::string& other, int64_t of) const;
  // Any other condition.
  void require(bool holds, const char* option, const std::string& expected, const std::string& received) const;

 private:
  std::string owner_;
};

// One axis of an expected shape: {"batch"} takes any size, {22, "channels"} that size alone.
struct Axis {
  Axis(const char* name) : size(-1), name(name) {}
  Axis(int64_t size, const char* name) : size(size), name(name) {}

  int64_t size;
  const char* name;
};

// Refuses a tensor of another shape (SHAPE_MISMATCH), of another dtype than `parameter` (DTYPE_MISMATCH; autocast may
// convert it) or on another device (DEVICE_MISMATCH). model: the registry name, for the message.
void checkInput(const char* model, const at::Tensor& input, const at::Tensor& parameter,
                std::initializer_list<Axis> expected);

// Refuses a tensor that differs from `other` in shape, dtype or device; broadcasting would hide the first.
void checkAlike(const char* owner, const at::Tensor& input, const at::Tensor& other);

// Refuses flags of another shape (SHAPE_MISMATCH), or that are neither int64 nor bool (DTYPE_MISMATCH).
void checkFlags(const char* owner, const at::Tensor& flags, std::initializer_list<Axis> expected);

// Refuses indices of another shape (SHAPE_MISMATCH), or that are not int64 (DTYPE_MISMATCH).
void checkIndices(const char* owner, const at::Tensor& indices, std::initializer_list<Axis> expected);

// "(64, 22, 1000)"
std::string showShape(at::IntArrayRef sizes);

}  // namespace eegtorch
