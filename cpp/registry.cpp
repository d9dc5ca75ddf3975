#include "registry.h"

#include "adversarial/aae_decoder.h"
#include "adversarial/aae_discriminator.h"
#include "adversarial/aae_encoder.h"
#include "conv/conv_net.h"
#include "conv/eegnet.h"
#include "core/nearest.h"
#include "recurrent/lstm_eeg.h"

namespace eegtorch {

namespace {

template <class Module, class Config>
RegistryEntry entry(const char* name, std::vector<std::string> inputs, std::vector<std::string> outputs,
                    const char* citation) {
  return {
      .name = name,
      .citation = citation,
      .inputs = std::move(inputs),
      .outputs = std::move(outputs),
      .describe = [] { return describeConfig<Config>(); },
      .build = [name](const Value& config) -> Model { return Module(readConfig<Config>(config, name)).ptr(); },
      .complete = [name](const Value& config) { return writeConfig(readConfig<Config>(config, name)); },
  };
}

}  // namespace

const std::vector<RegistryEntry>& registry() {
  static const std::vector<RegistryEntry> entries = {
      entry<EegNet, EegNetConfig>("eegnet", {"eeg"}, {"logits"}, "Lawhern et al. 2018, J. Neural Eng. 15, 056013"),
      entry<ConvNet, ConvNetConfig>("conv_net", {"eeg"}, {"logits"},
                                    "after Schirrmeister et al. 2017, Hum. Brain Mapp. 38, 5391"),
      entry<LstmEeg, LstmEegConfig>("lstm_eeg", {"eeg"}, {"logits"},
                                    "Hochreiter and Schmidhuber 1997, Neural Comput. 9, 1735"),
      entry<AaeEncoder, AaeEncoderConfig>("aae_encoder", {"image"}, {"latent"},
                                          "Makhzani et al. 2015, arXiv 1511.05644"),
      entry<AaeDecoder, AaeDecoderConfig>("aae_decoder", {"latent"}, {"image"},
                                          "Makhzani et al. 2015, arXiv 1511.05644"),
      entry<AaeDiscriminator, AaeDiscriminatorConfig>("aae_discriminator", {"latent"}, {"logit", "probability"},
                                                      "Makhzani et al. 2015, arXiv 1511.05644"),
  };
  return entries;
}

const RegistryEntry& findModel(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& entry : registry()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw Error("UNKNOWN_NAME", "no model is called " + name + ". Did you mean " + nearestName(name, names) + "?");
}

}  // namespace eegtorch
