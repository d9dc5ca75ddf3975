// AlexNet in its one-column form (Krizhevsky 2014, arXiv 1404.5997), whose layers 2 and 5 tell apart what pictures look
// like from what they show. Reference: torchvision, AlexNet, whose tensors have these names.
#pragma once

#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"
#include "vision/alexnet_trunk.h"

namespace eegtorch {

struct AlexNetConfig {
  std::vector<int64_t> channels = {64, 192, 384, 256, 256};
  int64_t hidden_features = 4096;
  int64_t num_classes = 1000;
  double dropout = 0.5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("channels", channels, "widths of the five convolutions");
    visit("hidden_features", hidden_features, "width of the two hidden linear layers");
    visit("num_classes", num_classes, "classes");
    visit("dropout", dropout, "dropout probability before the hidden linear layers");
  }
};

class AlexNetImpl : public ModelImpl {
 public:
  explicit AlexNetImpl(const AlexNetConfig& config = {});

  // image (images, 3, height, width), normalised as ImageNet's, 63 x 63 at least -> logits (images, num_classes); what
  // convolutions 2 and 5 give after their ReLU, (images, channels, height', width') each.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  std::vector<Conv2d> convolutions_;
  std::vector<Linear> linears_;
  Dropout dropout_{nullptr};
};
TORCH_MODULE(AlexNet);

}  // namespace eegtorch
