#include "diffusion/autoencoder_kl.h"

#include <ATen/Functions.h>

namespace eegtorch {

namespace {

constexpr double kLeastLogVariance = -30, kMostLogVariance = 20;

CoderShape check(const AutoencoderKlConfig& c) {
  const OptionCheck options("autoencoder_kl");
  options.size("in_channels", c.in_channels);
  options.size("out_channels", c.out_channels);
  options.size("latent_channels", c.latent_channels);
  options.positive("scaling_factor", c.scaling_factor);
  const CoderShape shape{c.in_channels,      2 * c.latent_channels, c.block_out_channels,
                         c.layers_per_block, c.norm_num_groups,     c.mid_block_add_attention};
  shape.check(options, c.down_block_types.size(), c.up_block_types.size());
  return shape;
}

}  // namespace

AutoencoderKlImpl::AutoencoderKlImpl(const AutoencoderKlConfig& config) : config_(config) {
  auto shape = check(config);
  const int64_t latent = config.latent_channels;
  encoder_ = register_module("encoder", ImageEncoder(shape));
  shape.in = latent, shape.out = config.out_channels;
  decoder_ = register_module("decoder", ImageDecoder(shape));
  if (config.use_quant_conv) quant_conv_ = register_module("quant_conv", Conv2d(2 * latent, 2 * latent, 1));
  if (config.use_post_quant_conv) post_quant_conv_ = register_module("post_quant_conv", Conv2d(latent, latent, 1));
  factor_ = shape.factor();
}

std::vector<at::Tensor> AutoencoderKlImpl::encode(const at::Tensor& image, const at::Tensor& noise) {
  encoder_->check("autoencoder_kl", image);
  checkInput("autoencoder_kl", noise, encoder_->like(),
             {{image.size(0), "batch"},
              {config_.latent_channels, "channels of the noise"},
              {image.size(2) / factor_, "rows"},
              {image.size(3) / factor_, "columns"}});
  auto moments = encoder_->forward(image);
  if (quant_conv_) moments = quant_conv_->forward(moments);
  const auto parts = moments.chunk(2, 1);
  const auto log_variance = parts[1].clamp(kLeastLogVariance, kMostLogVariance);
  return {parts[0], log_variance, (parts[0] + (0.5 * log_variance).exp() * noise) * config_.scaling_factor};
}

at::Tensor AutoencoderKlImpl::decode(const at::Tensor& latents) {
  checkInput("autoencoder_kl", latents, decoder_->like(),
             {"batch", {config_.latent_channels, "channels of the latents"}, "rows", "columns"});
  const auto unscaled = latents / config_.scaling_factor;
  return decoder_->forward(post_quant_conv_ ? post_quant_conv_->forward(unscaled) : unscaled);
}

std::vector<at::Tensor> AutoencoderKlImpl::run(const std::vector<at::Tensor>& inputs) {
  auto outputs = encode(inputs.at(0), inputs.at(1));
  outputs.push_back(decode(inputs.at(2)));
  return outputs;
}

std::vector<at::Tensor> AutoencoderKlImpl::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  if (method == "encode") {
    expectInputs(method, inputs, 2);
    return encode(inputs[0], inputs[1]);
  }
  if (method != "decode") refuseMethod(method, "encode, decode");
  expectInputs(method, inputs, 1);
  return {decode(inputs[0])};
}

}  // namespace eegtorch
