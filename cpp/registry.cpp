#include "registry.h"

#include "adversarial/aae_decoder.h"
#include "adversarial/aae_discriminator.h"
#include "adversarial/aae_encoder.h"
#include "adversarial/latent_cnn_classifier.h"
#include "alignment/eeg_clip_mapper.h"
#include "alignment/eeg_projection.h"
#include "alignment/eeg_token_reducer.h"
#include "alignment/multi_scale_conditioning.h"
#include "alignment/sgdm_eeg_encoder.h"
#include "clip/clip_text.h"
#include "clip/clip_vision.h"
#include "conv/atcnet.h"
#include "conv/conv_net.h"
#include "conv/deep4net.h"
#include "conv/eegnet.h"
#include "conv/resnet1d.h"
#include "conv/shallow_fbcsp_net.h"
#include "core/nearest.h"
#include "diffusion/autoencoder_kl.h"
#include "diffusion/controlnet.h"
#include "diffusion/sgdm_unet.h"
#include "diffusion/unet2d_condition.h"
#include "diffusion/uvit2d.h"
#include "diffusion/vq_model.h"
#include "llama/llama.h"
#include "llama/nf4_linear.h"
#include "recurrent/cnn_rnn.h"
#include "recurrent/lstm_eeg.h"
#include "transformer/cbramod.h"
#include "transformer/csbrain.h"
#include "transformer/eeg_conformer.h"
#include "transformer/qformer.h"
#include "transformer/transformer_eeg.h"
#include "variational/vae.h"
#include "variational/vae_hybrid.h"
#include "vision/alexnet.h"
#include "vision/inception_v3.h"
#include "vision/lpips_alex.h"

namespace eegtorch {

namespace {

using Names = std::vector<std::string>;

const Names kLlamaInputs = {"prefix_embeds", "input_ids", "attention_mask", "labels"};
const Names kLlamaOutputs = {"logits", "loss"};

// A config with a method `inputs` or `outputs` decides their names.
template <class Config>
Names inputsOf(const Config& config, const Names& always) {
  if constexpr (requires { config.inputs(); })
    return config.inputs();
  else
    return always;
}

template <class Config>
Names outputsOf(const Config& config, const Names& always) {
  if constexpr (requires { config.outputs(); })
    return config.outputs();
  else
    return always;
}

template <class Module, class Config>
RegistryEntry entry(const char* name, Names inputs, Names outputs, const char* citation) {
  const auto read = [name](const Value& config) { return readConfig<Config>(config, name); };
  return {
      .name = name,
      .citation = citation,
      .inputs = inputs,
      .outputs = outputs,
      .describe = [] { return describeConfig<Config>(); },
      .build = [=](const Value& config) -> Model { return Module(read(config)).ptr(); },
      .complete = [=](const Value& config) { return writeConfig(read(config)); },
      .inputsOf = [=](const Value& config) { return inputsOf(read(config), inputs); },
      .outputsOf = [=](const Value& config) { return outputsOf(read(config), outputs); },
  };
}

template <class Hybrid>
RegistryEntry vaeHybrid(const char* citation) {
  return entry<Hybrid, typename Hybrid::Config>(Hybrid::name, {"eeg", "noise"},
                                                {"logits", "reconstruction", "mu", "logvar"}, citation);
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
      entry<LatentCnnClassifier, LatentCnnClassifierConfig>("latent_cnn_classifier", {"latent"}, {"logits"},
                                                            "LatentCNNClassifier of the cnn_aae design document"),
      entry<ShallowFbcspNet, ShallowFbcspNetConfig>("shallow_fbcsp_net", {"eeg"}, {"logits"},
                                                    "Schirrmeister et al. 2017, Hum. Brain Mapp. 38, 5391"),
      entry<Deep4Net, Deep4NetConfig>("deep4net", {"eeg"}, {"logits"},
                                      "Schirrmeister et al. 2017, Hum. Brain Mapp. 38, 5391"),
      entry<ResNet1d, ResNet1dConfig>("resnet1d", {"eeg"}, {"logits"}, "He et al. 2016, CVPR, arXiv 1512.03385"),
      entry<CnnRnn, CnnRnnConfig>("cnn_rnn", {"eeg"}, {"logits"},
                                  "after Schirrmeister et al. 2017, Hum. Brain Mapp. 38, 5391, with recurrent layers"),
      entry<EegConformer, EegConformerConfig>("eeg_conformer", {"eeg"}, {"logits?", "features?"},
                                              "Song et al. 2023, IEEE Trans. Neural Syst. Rehabil. Eng. 31, 710"),
      entry<AtcNet, AtcNetConfig>("atcnet", {"eeg"}, {"logits"},
                                  "Altaheri et al. 2023, IEEE Trans. Ind. Inform. 19, 2249"),
      entry<CsBrain, CsBrainConfig>("csbrain", {"eeg", "mask"}, {"features", "reconstruction"},
                                    "Zhou et al. 2025, NeurIPS, arXiv 2506.23075"),
      entry<CsBrainClassifier, CsBrainClassifierConfig>("csbrain_classifier", {"eeg"}, {"logits"},
                                                        "Zhou et al. 2025, NeurIPS, arXiv 2506.23075"),
      entry<Cbramod, CbramodConfig>("cbramod", {"eeg", "mask"}, {"features", "reconstruction"},
                                    "Wang et al. 2025, ICLR, arXiv 2412.07236"),
      entry<CbramodClassifier, CbramodClassifierConfig>("cbramod_classifier", {"eeg"}, {"logits"},
                                                        "Wang et al. 2025, ICLR, arXiv 2412.07236"),
      entry<TransformerEeg, TransformerEegConfig>("transformer_eeg", {"eeg"}, {"logits"},
                                                  "Vaswani et al. 2017, NeurIPS, arXiv 1706.03762"),
      entry<Vae, VaeConfig>("vae", {"eeg", "noise"}, {"reconstruction", "mu", "logvar"},
                            "Kingma and Welling 2014, ICLR, arXiv 1312.6114"),
      vaeHybrid<VaeConvNet>("Kingma and Welling 2014, ICLR, arXiv 1312.6114, before conv_net"),
      vaeHybrid<VaeCnnRnn>("Kingma and Welling 2014, ICLR, arXiv 1312.6114, before cnn_rnn"),
      vaeHybrid<VaeResNet1d>("Kingma and Welling 2014, ICLR, arXiv 1312.6114, before resnet1d"),
      vaeHybrid<VaeDeep4Net>("Kingma and Welling 2014, ICLR, arXiv 1312.6114, before deep4net"),
      entry<EegTokenReducer, EegTokenReducerConfig>("eeg_token_reducer", {"features"}, {"tokens"},
                                                    "EEGTokenReducer of the EEG-to-image design document"),
      entry<EegProjection, EegProjectionConfig>("eeg_projection", {"tokens"}, {"embeddings"},
                                                "EEGProjection of the EEG-to-image design document"),
      entry<SgdmEegEncoder, SgdmEegEncoderConfig>("sgdm_eeg_encoder", {"eeg"}, {"latent"}, "cf. arXiv 2604.22649"),
      entry<EegClipMapper, EegClipMapperConfig>("eeg_clip_mapper", {"tokens"},
                                                {"encoder_hidden_states", "prompt_embeds", "class_logits"},
                                                "after Li et al. 2023, ICML, arXiv 2301.12597"),
      entry<QFormer, QFormerConfig>("qformer", {"query_embeds", "encoder_hidden_states", "encoder_attention_mask"},
                                    {"last_hidden_state", "pooler_output"}, "Li et al. 2023, ICML, arXiv 2301.12597"),
      entry<ClipText, ClipTextConfig>("clip_text", {"input_ids"},
                                      {"last_hidden_state", "pooler_output", "penultimate", "penultimate_normed"},
                                      "Radford et al. 2021, ICML, arXiv 2103.00020"),
      entry<ClipTextWithProjection, ClipTextConfig>("clip_text_with_projection", {"input_ids"},
                                                    {"text_embeds", "last_hidden_state", "penultimate"},
                                                    "Radford et al. 2021, ICML, arXiv 2103.00020"),
      entry<ClipVision, ClipVisionConfig>("clip_vision", {"pixel_values"},
                                          {"image_embeds", "last_hidden_state", "penultimate"},
                                          "Radford et al. 2021, ICML, arXiv 2103.00020"),
      entry<AutoencoderKl, AutoencoderKlConfig>("autoencoder_kl", {"image", "noise", "latents"},
                                                {"mean", "logvar", "encoded", "decoded"},
                                                "Rombach et al. 2022, CVPR, arXiv 2112.10752"),
      entry<VqModel, VqModelConfig>("vq_model", {"image", "codes"},
                                    {"latents", "indices", "decoded", "commit_loss", "decoded_from_codes"},
                                    "Esser et al. 2021, CVPR, arXiv 2012.09841"),
      entry<UVit2d, UVit2dConfig>("uvit2d", {"input_ids", "encoder_hidden_states", "pooled_text_emb", "micro_conds"},
                                  {"logits"}, "Patil et al. 2024, arXiv 2401.01808"),
      entry<MultiScaleConditioning, MultiScaleConditioningConfig>(
          "multi_scale_conditioning", {"latent", "semantic", "has_semantic"}, {"eeg_*", "semantic_*", "context"},
          "MultiScaleConditioning of the sgdm design document"),
      entry<UNet2dCondition, UNet2dConditionConfig>(
          "unet2d_condition",
          {"sample", "timestep", "encoder_hidden_states", "down_block_additional_residual_*?",
           "mid_block_additional_residual?"},
          {"sample"}, "Rombach et al. 2022, CVPR, arXiv 2112.10752"),
      entry<ControlNet, ControlNetConfig>(
          "controlnet", {"sample", "timestep", "encoder_hidden_states", "controlnet_cond"},
          {"down_block_res_sample_*", "mid_block_res_sample"}, "Zhang et al. 2023, ICCV, arXiv 2302.05543"),
      entry<SgdmUNet, SgdmUNetConfig>("sgdm_unet",
                                      {"sample", "timestep", "latent", "semantic", "has_semantic",
                                       "down_block_additional_residual_*?", "mid_block_additional_residual?"},
                                      {"sample"}, "cf. arXiv 2604.22649"),
      entry<AlexNet, AlexNetConfig>("alexnet", {"image"}, {"logits", "layer2", "layer5"},
                                    "Krizhevsky 2014, arXiv 1404.5997"),
      entry<InceptionV3, InceptionV3Config>("inception_v3", {"image"}, {"logits", "features"},
                                            "Szegedy et al. 2016, CVPR, arXiv 1512.00567"),
      entry<LpipsAlex, LpipsAlexConfig>("lpips_alex", {"image0", "image1"}, {"distance"},
                                        "Zhang et al. 2018, CVPR, arXiv 1801.03924"),
      entry<Llama, LlamaConfig>("llama", kLlamaInputs, kLlamaOutputs, "Touvron et al. 2023, arXiv 2302.13971"),
      entry<LlamaLora, LlamaLoraConfig>("llama_lora", kLlamaInputs, kLlamaOutputs,
                                        "Hu et al. 2022, ICLR, arXiv 2106.09685, over llama"),
      entry<Nf4Linear, Nf4LinearConfig>("nf4_linear", {"x"}, {"output"},
                                        "Dettmers et al. 2023, NeurIPS, arXiv 2305.14314"),
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
