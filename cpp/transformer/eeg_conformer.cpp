#include "transformer/eeg_conformer.h"

#include <torch/nn/modules/normalization.h>

#include "blocks/attention.h"
#include "blocks/chain.h"
#include "blocks/combined_conv.h"
#include "blocks/eeg_window.h"
#include "blocks/pooling.h"
#include "core/check.h"
#include "kernels/elu_pool.h"

namespace eegtorch {

namespace {

constexpr int64_t kExpansion = 4, kFcWide = 256, kFcNarrow = 32;
constexpr double kFcDropWide = 0.5, kFcDropNarrow = 0.3;

void check(const EegConformerConfig& c) {
  const OptionCheck options("eeg_conformer");
  checkWindowOptions(options, c);
  options.size("n_filters_time", c.n_filters_time);
  options.size("filter_time_length", c.filter_time_length);
  options.size("pool_time_length", c.pool_time_length);
  options.size("pool_time_stride", c.pool_time_stride);
  options.fraction("drop_prob", c.drop_prob);
  options.size("num_layers", c.num_layers);
  options.divides("num_heads", c.num_heads, "n_filters_time", c.n_filters_time);
  options.fraction("att_drop_prob", c.att_drop_prob);
}

// Numbers that reach the classifier.
int64_t featureCount(const EegConformerConfig& c) {
  const OptionCheck options("eeg_conformer");
  const int64_t tokens = pooledLength(c.n_times - c.filter_time_length + 1, c.pool_time_length, c.pool_time_stride);
  options.require(tokens > 0, "n_times", "enough samples for one token", std::to_string(c.n_times));
  const int64_t count = tokens * c.n_filters_time;
  options.require(c.final_fc_length.value.value_or(count) == count, "final_fc_length", std::to_string(count),
                  std::to_string(c.final_fc_length.value.value_or(count)));
  return count;
}

class ConformerAttentionImpl : public torch::nn::Module {
 public:
  ConformerAttentionImpl(int64_t width, int64_t heads, double drop_prob) : heads_(heads), drop_prob_(drop_prob) {
    keys_ = register_module("keys", torch::nn::Linear(width, width));
    queries_ = register_module("queries", torch::nn::Linear(width, width));
    values_ = register_module("values", torch::nn::Linear(width, width));
    projection_ = register_module("projection", torch::nn::Linear(width, width));
  }

  at::Tensor forward(const at::Tensor& x) {  // (batch, tokens, width), likewise
    return projection_->forward(
        attend(queries_->forward(x), keys_->forward(x), values_->forward(x), heads_, drop_prob_, is_training()));
  }

 private:
  int64_t heads_;
  double drop_prob_;
  torch::nn::Linear keys_{nullptr}, queries_{nullptr}, values_{nullptr}, projection_{nullptr};
};
TORCH_MODULE(ConformerAttention);

class ResidualAddImpl : public torch::nn::Module {
 public:
  explicit ResidualAddImpl(const Chain& fn) : fn_(register_module("fn", fn)) {}
  at::Tensor forward(const at::Tensor& x) { return fn_->forward(x) + x; }

 private:
  Chain fn_{nullptr};
};
TORCH_MODULE(ResidualAdd);

Chain encoderLayer(const EegConformerConfig& c) {
  const int64_t width = c.n_filters_time;
  const auto norm = [&] { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); };
  const Chain feed_forward(torch::nn::Linear(width, kExpansion * width), Activation(c.activation_transfor),
                           Dropout(c.att_drop_prob), torch::nn::Linear(kExpansion * width, width));
  return Chain(
      ResidualAdd(Chain(norm(), ConformerAttention(width, c.num_heads, c.att_drop_prob), Dropout(c.att_drop_prob))),
      ResidualAdd(Chain(norm(), feed_forward, Dropout(c.att_drop_prob))));
}

// The reference's classifier but for its last layer; its names begin with fc.fc.
torch::nn::Sequential classifier(const EegConformerConfig& c, int64_t features) {
  torch::nn::Sequential result;
  result->push_back("fc",
                    Chain(torch::nn::Linear(features, kFcWide), Activation(c.activation), Dropout(kFcDropWide),
                          torch::nn::Linear(kFcWide, kFcNarrow), Activation(c.activation), Dropout(kFcDropNarrow)));
  return result;
}

}  // namespace

ConformerPatchesImpl::ConformerPatchesImpl(const EegConformerConfig& config)
    : pool_length_(config.pool_time_length), pool_stride_(config.pool_time_stride) {
  const int64_t width = config.n_filters_time;
  using torch::nn::Conv2d, torch::nn::Conv2dOptions;
  const auto shallownet = register_module("shallownet", std::make_shared<Named>());
  temporal_ = shallownet->register_module("0", Conv2d(Conv2dOptions(1, width, {1, config.filter_time_length})));
  spatial_ = shallownet->register_module("1", Conv2d(Conv2dOptions(width, width, {config.n_chans, 1})));
  norm_ = shallownet->register_module("2", torch::nn::BatchNorm2d(width));
  activation_ = shallownet->register_module("3", Activation(config.activation));
  drop_ = shallownet->register_module("5", Dropout(config.drop_prob));
  const auto projection = register_module("projection", std::make_shared<Named>());
  projection_ = projection->register_module("0", Conv2d(Conv2dOptions(width, width, 1)));
}

at::Tensor ConformerPatchesImpl::forward(const at::Tensor& eeg) {
  auto x = convolveCombined(eeg, temporal_->weight.flatten(1), temporal_->bias, spatial_->weight.squeeze(3),
                            spatial_->bias);  // (batch, width, 1, samples)
  x = activation_->name() == "ELU"
          ? kernels::batchNormEluPool(x, *norm_, {pool_length_, pool_stride_, false})
          : poolTime(activation_->forward(norm_->forward(x)), {"mean"}, pool_length_, pool_stride_);
  return projection_->forward(drop_->forward(x)).squeeze(2).transpose(1, 2);  // (batch, tokens, width)
}

EegConformerImpl::EegConformerImpl(const EegConformerConfig& config) : config_(config) {
  check(config);
  const int64_t features = featureCount(config);
  patch_embedding_ = register_module("patch_embedding", ConformerPatches(config));
  transformer_ = register_module("transformer", torch::nn::Sequential());
  for (int64_t i = 0; i < config.num_layers; i++) transformer_->push_back(encoderLayer(config));
  fc_ = register_module("fc", classifier(config, features));
  final_layer_ = register_module("final_layer", torch::nn::Linear(kFcNarrow, config.n_outputs));
}

std::unordered_map<std::string, std::string> EegConformerImpl::olderNames() const {
  return {
      {"classification_head.fc.6.weight", "final_layer.weight"},
      {"classification_head.fc.6.bias", "final_layer.bias"},
      {"final_layer.final_layer.0.weight", "final_layer.weight"},
      {"final_layer.final_layer.0.bias", "final_layer.bias"},
  };
}

at::Tensor EegConformerImpl::forward(const at::Tensor& eeg) {
  checkWindows("eeg_conformer", eeg, final_layer_->weight, config_);
  const auto x = transformer_->forward(patch_embedding_->forward(eeg));  // (batch, tokens, width)
  if (config_.return_features) return x;
  return final_layer_->forward(fc_->forward(x.flatten(1)));  // (batch, n_outputs)
}

}  // namespace eegtorch
