#include "signal/check.h"

#include <string>

#include "core/check.h"
#include "core/dtype.h"
#include "core/error.h"
#include "kernels/dispatch.h"

namespace eegtorch {

void checkSignal(const char* owner, const at::Tensor& x) {
  const auto name = std::string(owner);
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kDouble)
    throw Error("DTYPE_MISMATCH", name + ": signals have another dtype", "float32 or float64",
                dtypeName(x.scalar_type()));
  if (x.dim() == 0 || x.size(-1) == 0)
    throw Error("SHAPE_MISMATCH", name + ": signals need another shape", "(..., samples), at least one sample",
                showShape(x.sizes()));
  if (kernels::isRecorded({x}))
    throw Error("INVALID_OPTION", name + " has no gradient", "x.detach(), or a call within noGrad",
                "a tensor that requires a gradient");
}

}  // namespace eegtorch
