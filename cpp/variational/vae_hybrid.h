// A classifier that reads a window's reconstruction by a variational autoencoder; both are trained together (section
// A.2 of the BCI Competition IV 2a design document). References: test/oracle/models/eeg/vae_{conv_net,cnn_rnn,resnet1d,
// deep4net}.py.
#pragma once

#include <string_view>

#include "conv/conv_net.h"
#include "conv/deep4net.h"
#include "conv/resnet1d.h"
#include "recurrent/cnn_rnn.h"
#include "variational/vae.h"

namespace eegtorch {

template <class ClassifierConfig>
struct VaeHybridConfig {
  VaeConfig vae;
  ClassifierConfig classifier;  // its n_chans and n_times are those of the autoencoder

  template <class Visitor>
  void fields(Visitor&& visit) {
    vae.fields(visit);
    classifier.fields([&](const char* name, auto& field, const char* doc) {
      const std::string_view shared(name);
      if (shared != "n_chans" && shared != "n_times") visit(name, field, doc);
    });
  }
};

// Name: its own in the registry.
template <class Classifier, class ClassifierConfig, const auto& Name>
class VaeHybridImpl : public ModelImpl {
 public:
  explicit VaeHybridImpl(VaeHybridConfig<ClassifierConfig> config = {}) {
    config.classifier.n_chans = config.vae.n_chans;
    config.classifier.n_times = config.vae.n_times;
    vae_ = register_module("vae", Vae(config.vae, Name));
    classifier_ = register_module("classifier", Classifier(config.classifier));
  }

  // eeg (batch, n_chans, n_times), noise (batch, latent_dim) -> logits (batch, n_outputs), then what the autoencoder
  // gives.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override {
    const auto [reconstruction, mu, logvar] = vae_->forward(inputs.at(0), inputs.at(1));
    return {classifier_->forward(reconstruction), reconstruction, mu, logvar};
  }

 private:
  Vae vae_{nullptr};
  Classifier classifier_{nullptr};
};

template <class Classifier, class ClassifierConfig, const auto& Name>
struct VaeHybrid : torch::nn::ModuleHolder<VaeHybridImpl<Classifier, ClassifierConfig, Name>> {
  using Config = VaeHybridConfig<ClassifierConfig>;
  static constexpr const char* name = Name;
  using torch::nn::ModuleHolder<VaeHybridImpl<Classifier, ClassifierConfig, Name>>::ModuleHolder;
};

inline constexpr char kVaeConvNet[] = "vae_conv_net", kVaeCnnRnn[] = "vae_cnn_rnn", kVaeResNet1d[] = "vae_resnet1d",
                      kVaeDeep4Net[] = "vae_deep4net";
using VaeConvNet = VaeHybrid<ConvNet, ConvNetConfig, kVaeConvNet>;
using VaeCnnRnn = VaeHybrid<CnnRnn, CnnRnnConfig, kVaeCnnRnn>;
using VaeResNet1d = VaeHybrid<ResNet1d, ResNet1dConfig, kVaeResNet1d>;
using VaeDeep4Net = VaeHybrid<Deep4Net, Deep4NetConfig, kVaeDeep4Net>;

}  // namespace eegtorch
