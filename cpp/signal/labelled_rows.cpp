#include "signal/labelled_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>

#include "core/check.h"

namespace eegtorch {

using at::Tensor;

void checkLabelledRows(const char* owner, const Tensor& features, const Tensor& labels, int64_t classes) {
  const OptionCheck check(owner);
  check.require(classes >= 2 && classes <= 100000, "classes", "2 or more", std::to_string(classes));
  checkInput(owner, features, features, {"rows", "features"});
  check.require(features.is_floating_point() && features.isfinite().all().item<bool>(), "features", "finite numbers",
                "others");
  checkIndices(owner, labels, {{features.size(0), "labels"}});
  const auto known = labels.numel() > 0 && labels.ge(0).all().item<bool>() && labels.lt(classes).all().item<bool>();
  check.require(known && at::bincount(labels, {}, classes).gt(0).all().item<bool>(), "labels",
                "every class from 0 to " + std::to_string(classes - 1) + ", no other", "others");
}

}  // namespace eegtorch
