// Small helps shared by the tables of objectives and optimisers.
#pragma once

#include <ATen/core/Tensor.h>

#include <sstream>
#include <string>

#include "core/table.h"

namespace eegtorch {

inline std::string describeShape(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

}  // namespace eegtorch
