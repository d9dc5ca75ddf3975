// Windows that short-time spectra taper their segments with.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace eegtorch {

// A periodic window, `scipy.signal.get_window(name, length)`: "boxcar", "hann", "hamming", "blackman" or "tukey" (a
// quarter of it tapers). INVALID_OPTION for other names. -> (length), float64 on the CPU.
at::Tensor makeWindow(const char* owner, const std::string& name, int64_t length);

}  // namespace eegtorch
