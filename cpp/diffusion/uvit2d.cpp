#include "diffusion/uvit2d.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"
#include "core/check.h"
#include "diffusion/in_place.h"

namespace eegtorch {

namespace {

void check(const UVit2dConfig& c) {
  const OptionCheck options("uvit2d");
  options.size("hidden_size", c.hidden_size);
  options.size("cond_embed_dim", c.cond_embed_dim);
  options.size("encoder_hidden_size", c.encoder_hidden_size);
  options.size("vocab_size", c.vocab_size);
  options.size("codebook_size", c.codebook_size);
  options.size("in_channels", c.in_channels);
  options.size("num_res_blocks", c.num_res_blocks);
  options.size("num_hidden_layers", c.num_hidden_layers);
  options.size("intermediate_size", c.intermediate_size);
  options.divides("block_num_heads", c.block_num_heads, "block_out_channels", c.block_out_channels);
  options.divides("num_attention_heads", c.num_attention_heads, "hidden_size", c.hidden_size);
  options.divides("micro_cond_encode_dim", c.micro_cond_encode_dim, "micro_cond_embed_dim", c.micro_cond_embed_dim);
  options.require(c.micro_cond_encode_dim % 2 == 0, "micro_cond_encode_dim", "an even number",
                  std::to_string(c.micro_cond_encode_dim));
  options.fraction("hidden_dropout", c.hidden_dropout);
  options.fraction("attention_dropout", c.attention_dropout);
  options.positive("layer_norm_eps", c.layer_norm_eps);
  options.require(c.ln_elementwise_affine, "ln_elementwise_affine", "true", "false");
}

UVitOptions optionsOf(const UVit2dConfig& c) {
  return {.hidden = c.hidden_size,
          .channels = c.block_out_channels,
          .heads = c.block_num_heads,
          .blocks = c.num_res_blocks,
          .transformer_heads = c.num_attention_heads,
          .feedforward = c.intermediate_size,
          .hidden_dropout = c.hidden_dropout,
          .attention_dropout = c.attention_dropout,
          .eps = c.layer_norm_eps,
          .bias = c.use_bias};
}

}  // namespace

UVit2dImpl::UVit2dImpl(const UVit2dConfig& config) : config_(config) {
  eegtorch::check(config);
  const auto& c = config_;
  const auto options = optionsOf(c);
  const Conv2dShape pointwise_shape{.bias = c.use_bias};
  encoder_proj_ = register_module("encoder_proj", Linear(c.encoder_hidden_size, c.hidden_size, c.use_bias));
  encoder_norm_ = register_module("encoder_proj_layer_norm", RmsNorm(c.hidden_size, c.layer_norm_eps));
  const auto embed = register_module("embed", std::make_shared<Named>());
  embeddings_ = embed->register_module("embeddings", Embedding(c.vocab_size, c.in_channels));
  embed_norm_ = embed->register_module("layer_norm", RmsNorm(c.in_channels, c.layer_norm_eps));
  embed_conv_ = embed->register_module("conv", Conv2d(c.in_channels, c.block_out_channels, 1, pointwise_shape));
  cond_embed_ = register_module("cond_embed",
                                TimeEmbedding(c.micro_cond_embed_dim + c.cond_embed_dim, c.hidden_size, c.use_bias));
  down_block_ = register_module("down_block", UVitStage(options, c.downsample, false));
  to_hidden_norm_ = register_module("project_to_hidden_norm", RmsNorm(c.block_out_channels, c.layer_norm_eps));
  project_to_hidden_ = register_module("project_to_hidden", Linear(c.block_out_channels, c.hidden_size, c.use_bias));
  const auto layers = register_module("transformer_layers", std::make_shared<Named>());
  for (int64_t i = 0; i < c.num_hidden_layers; i++)
    layers_.push_back(layers->register_module(std::to_string(i), UVitLayer(options)));
  from_hidden_norm_ = register_module("project_from_hidden_norm", RmsNorm(c.hidden_size, c.layer_norm_eps));
  project_from_hidden_ =
      register_module("project_from_hidden", Linear(c.hidden_size, c.block_out_channels, c.use_bias));
  up_block_ = register_module("up_block", UVitStage(options, false, c.upsample));
  const auto head = register_module("mlm_layer", std::make_shared<Named>());
  head_conv1_ = head->register_module("conv1", Conv2d(c.block_out_channels, c.in_channels, 1, pointwise_shape));
  head_norm_ = head->register_module("layer_norm", RmsNorm(c.in_channels, c.layer_norm_eps));
  head_conv2_ = head->register_module("conv2", Conv2d(c.in_channels, c.codebook_size, 1, pointwise_shape));
}

void UVit2dImpl::check(const std::vector<at::Tensor>& inputs) const {
  const at::Tensor &ids = inputs.at(0), &like = encoder_proj_->weight;
  checkIndices("uvit2d", ids, {"batch", "rows", "columns"});
  const Axis batch{ids.size(0), "batch"};
  checkInput("uvit2d", inputs.at(1), like, {batch, "tokens", {config_.encoder_hidden_size, "values in a token"}});
  checkInput("uvit2d", inputs.at(2), like, {batch, {config_.cond_embed_dim, "values of the pooled text"}});
  checkInput("uvit2d", inputs.at(3), like,
             {batch, {config_.micro_cond_embed_dim / config_.micro_cond_encode_dim, "micro conditions"}});
  if (config_.downsample != config_.upsample || !config_.downsample) return;
  if (ids.size(1) % 2 != 0 || ids.size(2) % 2 != 0)
    throw Error("SHAPE_MISMATCH", "uvit2d halves and doubles the image", "even numbers of rows and columns",
                showShape(ids.sizes()));
}

at::Tensor UVit2dImpl::conditionOf(const at::Tensor& pooled, const at::Tensor& micro) {
  const auto waves = sinusoids(micro.flatten(), SinusoidOptions{.width = config_.micro_cond_encode_dim});
  const auto all = at::cat({pooled, waves.reshape({micro.size(0), -1}).to(pooled.scalar_type())}, 1);
  return siluOf(cond_embed_->forward(all));
}

at::Tensor UVit2dImpl::embed(const at::Tensor& ids) {
  return pointwise(embed_conv_, embed_norm_->forward(embeddings_->forward(ids)));
}

at::Tensor UVit2dImpl::logitsOf(const at::Tensor& x) {
  const auto features = head_norm_->forward(pointwise(head_conv1_, x));
  return pointwise(head_conv2_, features).permute({0, 3, 1, 2});
}

std::vector<at::Tensor> UVit2dImpl::run(const std::vector<at::Tensor>& inputs) {
  check(inputs);
  const auto text = encoder_norm_->forward(encoder_proj_->forward(inputs[1]));
  const auto condition = conditionOf(inputs[2], inputs[3]);
  const auto x = down_block_->forward(embed(inputs[0]), condition, text);
  auto tokens = project_to_hidden_->forward(to_hidden_norm_->forward(x.flatten(1, 2)));  // (batch, pixels, hidden)
  for (auto& layer : layers_) tokens = layer->forward(tokens, condition, text);
  tokens = project_from_hidden_->forward(from_hidden_norm_->forward(tokens));
  return {logitsOf(up_block_->forward(tokens.unflatten(1, {x.size(1), x.size(2)}), condition, text))};
}

}  // namespace eegtorch
