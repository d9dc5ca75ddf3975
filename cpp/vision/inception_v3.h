// Inception-v3 (Szegedy et al. 2016, CVPR, arXiv 1512.00567), whose pooled features pictures are compared by.
// Reference: torchvision, Inception3, whose tensors have these names.
#pragma once

#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"
#include "vision/inception_parts.h"

namespace eegtorch {

struct InceptionV3Config {
  int64_t num_classes = 1000;
  bool aux_logits = true;
  bool transform_input = false;
  double dropout = 0.5;
  int64_t width_divisor = 1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("num_classes", num_classes, "classes");
    visit("aux_logits", aux_logits,
          "whether the tensors of the auxiliary classifier are there, as in published checkpoints; it is not run");
    visit("transform_input", transform_input,
          "whether images normalised as ImageNet's are brought to -1 to 1 first, as published checkpoints want");
    visit("dropout", dropout, "dropout probability before the classifier");
    visit("width_divisor", width_divisor, "divides the channels of every convolution, rounded up");
  }
};

class InceptionV3Impl : public ModelImpl {
 public:
  explicit InceptionV3Impl(const InceptionV3Config& config = {});

  // image (images, 3, height, width), 75 x 75 at least, published at 299 x 299 -> logits (images, num_classes),
  // features (images, 2048 / width_divisor) averaged over the image
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  void addStem();
  void addModules(int64_t auxiliary_classes);
  void addAuxiliary(int64_t classes);
  void addModule(const std::string& name, std::vector<InceptionBranch> branches, InceptionPool pool);
  int64_t narrowed(int64_t channels) const { return (channels + divisor_ - 1) / divisor_; }
  at::Tensor transformed(const at::Tensor& image) const;

  int64_t divisor_;
  bool transforms_;
  int64_t width_ = 3;  // channels after what has been added
  std::vector<InceptionConv> stem_;
  std::vector<InceptionModule> modules_;
  Dropout dropout_{nullptr};
  Linear fc_{nullptr};
};
TORCH_MODULE(InceptionV3);

}  // namespace eegtorch
