#include "blocks/time_classifier.h"

#include "blocks/combined_conv.h"
#include "core/check.h"

namespace eegtorch {

TimeClassifierImpl::TimeClassifierImpl(const char* owner, int64_t filters, int64_t n_outputs, int64_t steps,
                                       const AutoLength& length) {
  const int64_t span = length.value.value_or(steps);
  OptionCheck(owner).require(span >= 1 && span <= steps, "final_conv_length", "1 to " + std::to_string(steps),
                             std::to_string(span));
  conv_classifier_ =
      register_module("conv_classifier", torch::nn::Conv2d(torch::nn::Conv2dOptions(filters, n_outputs, {span, 1})));
  initialiseXavier(conv_classifier_);
}

at::Tensor TimeClassifierImpl::forward(const at::Tensor& x) {
  const auto logits = convolveTime(x, conv_classifier_).squeeze(2);  // (batch, n_outputs, steps left)
  return logits.size(2) == 1 ? logits.squeeze(2) : logits;
}

}  // namespace eegtorch
