// For networks of which a part is computed alone, such as an autoencoder that only decodes.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/error.h"

namespace eegtorch {

class HasMethods {
 public:
  virtual ~HasMethods() = default;

  // Inputs and outputs are those of the method, in order. Throws UNKNOWN_NAME for a name that is none.
  virtual std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) = 0;

 protected:
  static void expectInputs(const std::string& method, const std::vector<at::Tensor>& inputs, size_t count) {
    if (inputs.size() != count)
      throw Error("INVALID_OPTION", method + " received another number of inputs", std::to_string(count),
                  std::to_string(inputs.size()));
  }
  [[noreturn]] static void refuseMethod(const std::string& method, const std::string& known) {
    throw Error("UNKNOWN_NAME", "this network has no method " + method, known, method);
  }
};

}  // namespace eegtorch
