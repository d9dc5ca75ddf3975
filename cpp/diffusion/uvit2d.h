// The masked image transformer of aMUSEd (Patil et al. 2024, arXiv 2401.01808; after Chang et al. 2023, ICML, arXiv
// 2301.00704): from codes, some of them masked, and a text to logits of every pixel's code. Reference: diffusers,
// UVit2DModel, whose tensors have these names.
#pragma once

#include "core/config.h"
#include "core/model.h"
#include "diffusion/time_embedding.h"
#include "diffusion/uvit_blocks.h"

namespace eegtorch {

struct UVit2dConfig {
  int64_t hidden_size = 1024;
  bool use_bias = false;
  double hidden_dropout = 0;
  int64_t cond_embed_dim = 768;
  int64_t micro_cond_encode_dim = 256;
  int64_t micro_cond_embed_dim = 1280;
  int64_t encoder_hidden_size = 768;
  int64_t vocab_size = 8256;
  int64_t codebook_size = 8192;
  int64_t in_channels = 768;
  int64_t block_out_channels = 768;
  int64_t num_res_blocks = 3;
  bool downsample = false;
  bool upsample = false;
  int64_t block_num_heads = 12;
  int64_t num_hidden_layers = 22;
  int64_t num_attention_heads = 16;
  double attention_dropout = 0;
  int64_t intermediate_size = 2816;
  double layer_norm_eps = 1e-6;
  bool ln_elementwise_affine = true;
  int64_t sample_size = 64;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("hidden_size", hidden_size, "width of the transformer");
    visit("use_bias", use_bias, "whether layers have biases");
    visit("hidden_dropout", hidden_dropout, "dropout probability");
    visit("cond_embed_dim", cond_embed_dim, "width of the pooled text");
    visit("micro_cond_encode_dim", micro_cond_encode_dim, "sines and cosines of each micro condition, an even number");
    visit("micro_cond_embed_dim", micro_cond_embed_dim, "those of all together");
    visit("encoder_hidden_size", encoder_hidden_size, "width of a text token");
    visit("vocab_size", vocab_size, "codes and the mask");
    visit("codebook_size", codebook_size, "codes");
    visit("in_channels", in_channels, "width of a code's embedding");
    visit("block_out_channels", block_out_channels, "channels of the blocks before and after the transformer");
    visit("num_res_blocks", num_res_blocks, "how many blocks are before and after the transformer");
    visit("downsample", downsample, "whether the first of these halve the image");
    visit("upsample", upsample, "whether the last of these double the image");
    visit("block_num_heads", block_num_heads, "attention heads of these blocks, a divisor of block_out_channels");
    visit("num_hidden_layers", num_hidden_layers, "layers of the transformer");
    visit("num_attention_heads", num_attention_heads, "attention heads of these layers, a divisor of hidden_size");
    visit("attention_dropout", attention_dropout, "dropout probability after attention of the blocks");
    visit("intermediate_size", intermediate_size, "width inside a layer's feed-forward part");
    visit("layer_norm_eps", layer_norm_eps, "added to mean squares and variances in norms");
    visit("ln_elementwise_affine", ln_elementwise_affine, "whether norms have weights; only true is there");
    visit("sample_size", sample_size, "rows and columns of codes it was trained on; recorded");
  }
};

class UVit2dImpl : public ModelImpl {
 public:
  explicit UVit2dImpl(const UVit2dConfig& config = {});

  // input_ids (batch, rows, columns), int64, encoder_hidden_states (batch, tokens, encoder_hidden_size),
  // pooled_text_emb (batch, cond_embed_dim), micro_conds (batch, conditions) -> logits (batch, codebook_size, rows,
  // columns)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  void check(const std::vector<at::Tensor>& inputs) const;
  at::Tensor conditionOf(const at::Tensor& pooled, const at::Tensor& micro);  // (batch, hidden_size), after its SiLU
  at::Tensor embed(const at::Tensor& ids);                                    // (batch, rows, columns, channels)
  at::Tensor logitsOf(const at::Tensor& x);                                   // (batch, codes, rows, columns)

  UVit2dConfig config_;
  Linear encoder_proj_{nullptr}, project_to_hidden_{nullptr}, project_from_hidden_{nullptr};
  RmsNorm encoder_norm_{nullptr}, embed_norm_{nullptr}, to_hidden_norm_{nullptr}, from_hidden_norm_{nullptr},
      head_norm_{nullptr};
  Embedding embeddings_{nullptr};
  Conv2d embed_conv_{nullptr}, head_conv1_{nullptr}, head_conv2_{nullptr};
  TimeEmbedding cond_embed_{nullptr};
  UVitStage down_block_{nullptr}, up_block_{nullptr};
  std::vector<UVitLayer> layers_;
};
TORCH_MODULE(UVit2d);

}  // namespace eegtorch
