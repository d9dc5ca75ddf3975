// The classifier of the Braindecode convolutional networks, called final_layer there: a convolution over time that
// gives one score for each class, or several in time.
#pragma once

#include <torch/nn/modules/conv.h>

#include "core/config.h"

namespace eegtorch {

class TimeClassifierImpl : public torch::nn::Module {
 public:
  // steps: time steps that arrive; length: those it spans, all for 'auto'. owner: the network, for the message.
  TimeClassifierImpl(const char* owner, int64_t filters, int64_t n_outputs, int64_t steps, const AutoLength& length);

  // (batch, filters, 1, steps) -> (batch, n_outputs), or (batch, n_outputs, steps - length + 1) where that is not 1
  at::Tensor forward(const at::Tensor& x);

  const at::Tensor& weight() const { return conv_classifier_->weight; }

 private:
  torch::nn::Conv2d conv_classifier_{nullptr};
};
TORCH_MODULE(TimeClassifier);

}  // namespace eegtorch
