#include "llama/layer.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <numbers>

namespace eegtorch {

namespace {

ProjectionShape shapeOf(const LlamaConfig& config, int64_t in, int64_t out, bool bias) {
  return {.in = in, .out = out, .bias = bias, .nf4 = config.nf4(), .double_quant = config.double_quant};
}

// Pairs are half a head apart.
at::Tensor rotate(const at::Tensor& x, const LlamaContext& context) {
  const auto halves = x.chunk(2, -1);
  return x * context.cos + at::cat({-halves[1], halves[0]}, -1) * context.sin;
}

// (batch, shared heads, tokens, width) -> (batch, heads, tokens, width)
at::Tensor repeatHeads(const at::Tensor& x, int64_t times) {
  if (times == 1) return x;
  return x.unsqueeze(2).expand({-1, -1, times, -1, -1}).flatten(1, 2);
}

// Slow waves stretched, fast ones kept, and those between something of both: Llama 3.1 (Grattafiori et al. 2024,
// arXiv 2407.21783), `_compute_llama3_parameters` of transformers.
at::Tensor stretchSlow(const at::Tensor& frequencies, const LlamaConfig& c) {
  const auto original = static_cast<double>(c.rope_original_max_position_embeddings);
  const double low = c.rope_low_freq_factor, high = c.rope_high_freq_factor;
  const auto lengths = 2 * std::numbers::pi / frequencies;
  const auto share = (original / lengths - low) / (high - low);
  const auto between = (1 - share) * frequencies / c.rope_factor + share * frequencies;
  const auto stretched = at::where(lengths > original / low, frequencies / c.rope_factor, between);
  return at::where(lengths < original / high, frequencies, stretched);
}

at::Tensor frequenciesOf(const LlamaConfig& config, const at::TensorOptions& options) {
  const auto exponents = at::arange(0, config.headDim(), 2, options) / config.headDim();
  const auto frequencies = at::pow(at::scalar_tensor(config.rope_theta, options), exponents).reciprocal();
  if (config.rope_type.value == "linear") return frequencies / config.rope_factor;
  return config.rope_type.value == "llama3" ? stretchSlow(frequencies, config) : frequencies;
}

}  // namespace

std::pair<at::Tensor, at::Tensor> rotaryPositions(const LlamaConfig& config, const at::Tensor& positions,
                                                  at::ScalarType dtype) {
  const auto frequencies = frequenciesOf(config, positions.options().dtype(at::kFloat));
  const auto angles = positions.to(at::kFloat).unsqueeze(-1) * frequencies;  // (batch, tokens, width / 2)
  const auto both = at::cat({angles, angles}, -1).unsqueeze(1);
  return {both.cos().to(dtype), both.sin().to(dtype)};
}

LlamaAttentionImpl::LlamaAttentionImpl(const LlamaConfig& config, int64_t index)
    : index_(index),
      heads_(config.num_attention_heads),
      shared_heads_(config.num_key_value_heads),
      width_(config.headDim()) {
  const auto add = [&](const char* name, int64_t in, int64_t out) {
    return Projection(*this, name, shapeOf(config, in, out, config.attention_bias));
  };
  q_proj = add("q_proj", config.hidden_size, heads_ * width_);
  k_proj = add("k_proj", config.hidden_size, shared_heads_ * width_);
  v_proj = add("v_proj", config.hidden_size, shared_heads_ * width_);
  o_proj = add("o_proj", heads_ * width_, config.hidden_size);
}

at::Tensor LlamaAttentionImpl::forward(const at::Tensor& x, const LlamaContext& context) {
  const auto split = [&](const at::Tensor& y, int64_t heads) {
    return y.unflatten(2, {heads, width_}).transpose(1, 2);
  };
  const auto q = rotate(split(q_proj.forward(x), heads_), context);
  auto k = rotate(split(k_proj.forward(x), shared_heads_), context), v = split(v_proj.forward(x), shared_heads_);
  if (context.cache) std::tie(k, v) = context.cache->append(index_, k, v);
  const int64_t times = heads_ / shared_heads_;
  if (x.size(1) == 1) {
    // One token: the heads that share keys are so many queries of one head, and nothing is repeated.
    const auto queries = q.unflatten(1, {shared_heads_, times}).squeeze(3);
    const auto seen = at::scaled_dot_product_attention(queries, k, v, context.mask);
    return o_proj.forward(seen.flatten(1).unsqueeze(1));
  }
  const auto seen = at::scaled_dot_product_attention(q, repeatHeads(k, times), repeatHeads(v, times), context.mask, 0,
                                                     !context.mask && context.causal);
  return o_proj.forward(seen.transpose(1, 2).flatten(2));
}

LlamaFeedForwardImpl::LlamaFeedForwardImpl(const LlamaConfig& config) {
  const auto add = [&](const char* name, int64_t in, int64_t out) {
    return Projection(*this, name, shapeOf(config, in, out, config.mlp_bias));
  };
  gate_proj = add("gate_proj", config.hidden_size, config.intermediate_size);
  up_proj = add("up_proj", config.hidden_size, config.intermediate_size);
  down_proj = add("down_proj", config.intermediate_size, config.hidden_size);
}

at::Tensor LlamaFeedForwardImpl::forward(const at::Tensor& x) {
  return down_proj.forward(at::silu(gate_proj.forward(x)) * up_proj.forward(x));
}

LlamaLayerImpl::LlamaLayerImpl(const LlamaConfig& config, int64_t index) {
  self_attn_ = register_module("self_attn", LlamaAttention(config, index));
  mlp_ = register_module("mlp", LlamaFeedForward(config));
  input_layernorm_ = register_module("input_layernorm", RmsNorm(config.hidden_size, config.rms_norm_eps));
  post_attention_layernorm_ =
      register_module("post_attention_layernorm", RmsNorm(config.hidden_size, config.rms_norm_eps));
}

at::Tensor LlamaLayerImpl::forward(const at::Tensor& x, const LlamaContext& context) {
  const auto y = x + self_attn_->forward(input_layernorm_->forward(x), context);
  return y + mlp_->forward(post_attention_layernorm_->forward(y));
}

std::vector<std::pair<std::string, Projection*>> LlamaLayerImpl::projections() {
  return {{"self_attn.q_proj", &self_attn_->q_proj}, {"self_attn.k_proj", &self_attn_->k_proj},
          {"self_attn.v_proj", &self_attn_->v_proj}, {"self_attn.o_proj", &self_attn_->o_proj},
          {"mlp.gate_proj", &mlp_->gate_proj},       {"mlp.up_proj", &mlp_->up_proj},
          {"mlp.down_proj", &mlp_->down_proj}};
}

}  // namespace eegtorch
