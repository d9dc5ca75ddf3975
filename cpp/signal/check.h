// What every operation on signals asks of the tensors it is given.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Refuses what is no signal: another dtype than float32 or float64 (DTYPE_MISMATCH), no time axis or an empty one
// (SHAPE_MISMATCH), or a tensor whose gradient is being recorded (INVALID_OPTION): operations on signals have none, and
// to lose it in silence would be wrong.
// x: (..., time), any leading dimensions. owner: the operation's name, for the message.
void checkSignal(const char* owner, const at::Tensor& x);

}  // namespace eegtorch
