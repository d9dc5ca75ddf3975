#include "diffusion/vq_model.h"

#include <ATen/Functions.h>
#include <torch/nn/init.h>

#include "blocks/chain.h"

namespace eegtorch {

namespace {

constexpr double kCodesToLatents = 0.25;  // weight of what draws codes to latents, beside that of the other way

CoderShape check(const VqModelConfig& c) {
  const OptionCheck options("vq_model");
  options.size("in_channels", c.in_channels);
  options.size("out_channels", c.out_channels);
  options.size("latent_channels", c.latent_channels);
  options.size("num_vq_embeddings", c.num_vq_embeddings);
  if (c.vq_embed_dim) options.size("vq_embed_dim", *c.vq_embed_dim);
  const CoderShape shape{c.in_channels,      c.latent_channels, c.block_out_channels,
                         c.layers_per_block, c.norm_num_groups, c.mid_block_add_attention};
  shape.check(options, c.down_block_types.size(), c.up_block_types.size());
  return shape;
}

}  // namespace

VqModelImpl::VqModelImpl(const VqModelConfig& config) : codes_(config.num_vq_embeddings) {
  auto shape = check(config);
  const int64_t latent = config.latent_channels, width = config.vq_embed_dim.value_or(latent);
  encoder_ = register_module("encoder", ImageEncoder(shape));
  quant_conv_ = register_module("quant_conv", Conv2d(latent, width, 1));
  embedding_ =
      register_module("quantize", std::make_shared<Named>())->register_module("embedding", Embedding(codes_, width));
  const double bound = 1.0 / static_cast<double>(codes_);
  if (!WithoutInitialisation::active()) torch::nn::init::uniform_(embedding_->weight, -bound, bound);
  post_quant_conv_ = register_module("post_quant_conv", Conv2d(width, latent, 1));
  shape.in = latent, shape.out = config.out_channels;
  decoder_ = register_module("decoder", ImageDecoder(shape));
}

at::Tensor VqModelImpl::encode(const at::Tensor& image) {
  encoder_->check("vq_model", image);
  return quant_conv_->forward(encoder_->forward(image));
}

at::Tensor VqModelImpl::nearestCodes(const at::Tensor& latents) const {
  const auto points = latents.detach().movedim(1, 3);  // (batch, rows, columns, vq_embed_dim)
  const auto distances = at::cdist(points.flatten(0, 2), embedding_->weight.detach());
  return distances.argmin(1).view(points.sizes().slice(0, 3));
}

at::Tensor VqModelImpl::lookUp(const at::Tensor& codes) { return embedding_->forward(codes); }

at::Tensor VqModelImpl::decode(const at::Tensor& latents) {
  return decoder_->forward(post_quant_conv_->forward(latents));
}

at::Tensor VqModelImpl::decodeCodes(const at::Tensor& codes) {
  checkIndices("vq_model", codes, {"batch", "rows", "columns"});
  if (codes.numel() > 0 && (codes.lt(0).any().item<bool>() || codes.ge(codes_).any().item<bool>()))
    throw Error("INVALID_OPTION", "vq_model received a code that its codebook does not have",
                "from 0 to " + std::to_string(codes_ - 1), std::to_string(codes.max().item<int64_t>()));
  return decode(lookUp(codes).movedim(3, 1));
}

std::vector<at::Tensor> VqModelImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto latents = encode(inputs.at(0));
  const auto indices = nearestCodes(latents);
  const auto codes = lookUp(indices).movedim(3, 1);
  const auto commit =
      (codes.detach() - latents).square().mean() + kCodesToLatents * (codes - latents.detach()).square().mean();
  const auto rounded = latents + (codes - latents).detach();
  return {latents, indices, decode(rounded), commit, decodeCodes(inputs.at(1))};
}

std::vector<at::Tensor> VqModelImpl::call(const std::string& method, const std::vector<at::Tensor>& inputs) {
  if (method != "encode" && method != "decode") refuseMethod(method, "encode, decode");
  expectInputs(method, inputs, 1);
  if (method == "decode") return {decodeCodes(inputs[0])};
  const auto latents = encode(inputs[0]);
  return {latents, nearestCodes(latents)};
}

}  // namespace eegtorch
