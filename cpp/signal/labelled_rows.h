// Rows of numbers with a class each: what classifiers learn from.
#pragma once

#include <ATen/core/Tensor.h>

namespace eegtorch {

// Refuses what is not features (rows, features) of finite numbers with labels (rows) int64 from 0 to classes - 1, each
// of which occurs.
void checkLabelledRows(const char* owner, const at::Tensor& features, const at::Tensor& labels, int64_t classes);

}  // namespace eegtorch
