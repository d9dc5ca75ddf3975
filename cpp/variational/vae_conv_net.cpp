#include "variational/vae_conv_net.h"

namespace eegtorch {

VaeConvNetImpl::VaeConvNetImpl(VaeConvNetConfig config) {
  vae_ = register_module("vae", Vae(config.vae, "vae_conv_net"));
  config.classifier.n_chans = config.vae.n_chans;
  config.classifier.n_times = config.vae.n_times;
  classifier_ = register_module("classifier", ConvNet(config.classifier));
}

std::vector<at::Tensor> VaeConvNetImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto [reconstruction, mu, logvar] = vae_->forward(inputs.at(0), inputs.at(1));
  return {classifier_->forward(reconstruction), reconstruction, mu, logvar};
}

}  // namespace eegtorch
