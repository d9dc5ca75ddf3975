// How unlike two pictures look (Zhang et al. 2018, CVPR, arXiv 1801.03924): differences of AlexNet's normalised
// features, weighed by what people said. Reference: lpips 0.1, LPIPS(net='alex'), whose tensors have these names.
#pragma once

#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"
#include "vision/alexnet_trunk.h"

namespace eegtorch {

struct LpipsAlexConfig {
  std::vector<int64_t> channels = {64, 192, 384, 256, 256};
  bool spatial = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("channels", channels, "widths of the five convolutions");
    visit("spatial", spatial, "a distance for each pixel, in place of one for each pair of images");
  }
};

class LpipsAlexImpl : public ModelImpl {
 public:
  explicit LpipsAlexImpl(const LpipsAlexConfig& config = {});

  // image0, image1 (images, 3, height, width), from -1 to 1, 63 x 63 at least -> distance (images, 1, 1, 1), or with
  // `spatial` (images, 1, height, width)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

  // The reference lists each head twice.
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  std::vector<at::Tensor> look(const at::Tensor& image);

  bool spatial_;
  at::Tensor shift_, scale_;
  std::vector<Conv2d> convolutions_, heads_;
  Dropout dropout_{nullptr};
};
TORCH_MODULE(LpipsAlex);

}  // namespace eegtorch
