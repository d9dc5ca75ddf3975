// Names of dtypes, layouts and memory formats, as they cross every border: 'float32', not 6.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace eegtorch {

// Throws UNKNOWN_NAME listing what is known.
at::ScalarType dtypeFromName(const std::string& name);
std::string dtypeName(at::ScalarType dtype);

at::Layout layoutFromName(const std::string& name);
std::string layoutName(at::Layout layout);

at::MemoryFormat memoryFormatFromName(const std::string& name);

// 'cpu', 'cuda', 'cuda:1', 'meta'. Throws UNKNOWN_NAME.
at::Device deviceFromName(const std::string& name);

}  // namespace eegtorch
