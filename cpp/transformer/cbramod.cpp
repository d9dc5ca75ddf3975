#include "transformer/cbramod.h"

#include <ATen/Functions.h>

#include "blocks/eeg_window.h"
#include "core/check.h"
#include "kernels/elu_pool.h"
#include "kernels/layer_norm.h"
#include "kernels/linear.h"

namespace eegtorch {

namespace {

void check(const CbramodConfig& c, const char* owner) {
  const OptionCheck options(owner);
  options.size("d_model", c.d_model);
  options.require(c.d_model % kPatchStride == 0, "d_model", "a multiple of 25", std::to_string(c.d_model));
  options.require(c.in_dim == c.d_model, "in_dim", "equal to d_model, " + std::to_string(c.d_model),
                  std::to_string(c.in_dim));
  options.size("out_dim", c.out_dim);
  options.size("dim_feedforward", c.dim_feedforward);
  options.size("n_layer", c.n_layer);
  options.require(c.nhead % 2 == 0, "nhead", "an even number, half for each direction", std::to_string(c.nhead));
  options.divides("nhead", c.nhead, "d_model", c.d_model);
  options.fraction("drop_prob", c.drop_prob);
}

torch::nn::LayerNorm layerNorm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

// Widths of the classifier, from its input to the classes.
std::vector<int64_t> headWidths(const CbramodClassifierConfig& c) {
  const int64_t width = c.projection ? c.encoder.out_dim : c.encoder.d_model, patches = c.n_times / c.encoder.in_dim;
  const int64_t all = c.n_chans * patches * width;
  const auto& kind = c.classifier.value;
  if (kind == "avgpooling_patch_reps") return {width, c.n_outputs};
  if (kind == "all_patch_reps_onelayer") return {all, c.n_outputs};
  if (kind == "all_patch_reps_twolayer") return {all, width, c.n_outputs};
  return {all, c.head_dim.value_or(patches * width), width, c.n_outputs};
}

}  // namespace

CrissCrossLayerImpl::CrissCrossLayerImpl(const CbramodConfig& c) {
  space_ = register_module("self_attn_s", MultiheadAttention(c.d_model / 2, c.nhead / 2, c.drop_prob));
  time_ = register_module("self_attn_t", MultiheadAttention(c.d_model / 2, c.nhead / 2, c.drop_prob));
  linear1_.emplace(register_module("linear1", torch::nn::Linear(c.d_model, c.dim_feedforward)),
                   kernels::Activation{.gelu = true});
  linear2_.emplace(register_module("linear2", torch::nn::Linear(c.dim_feedforward, c.d_model)));
  norm1_ = register_module("norm1", layerNorm(c.d_model));
  norm2_ = register_module("norm2", layerNorm(c.d_model));
  dropout_ = register_module("dropout", Dropout(c.drop_prob));
}

at::Tensor CrissCrossLayerImpl::addAttention(const at::Tensor& added, const at::Tensor& x) {
  const auto halves = x.chunk(2, 3), onto = added.chunk(2, 3);
  const auto space = space_->addAlong(onto[0], halves[0], dropout_);
  const auto along_time = [](const at::Tensor& half) { return half.flatten(0, 1).unsqueeze(2); };
  const auto time = time_->addAlong(along_time(onto[1]), along_time(halves[1]), dropout_);
  return at::cat({space, time.view(space.sizes())}, 3);
}

at::Tensor CrissCrossLayerImpl::forward(const at::Tensor& input) {
  const auto x = addAttention(input, kernels::layerNorm(input, *norm1_));
  const auto hidden = dropout_->forward(linear1_->forward(kernels::layerNorm(x, *norm2_), is_training()));
  return linear2_->addTo(x, hidden, dropout_);
}

CbramodImpl::CbramodImpl(const CbramodConfig& config, bool with_projection, const char* owner)
    : config_(config), owner_(owner) {
  check(config, owner);
  patch_embedding_ = register_module("patch_embedding", EegPatches(config.d_model, config.drop_prob));
  const auto encoder = register_module("encoder", std::make_shared<Named>());
  layers_ = encoder->register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.n_layer; i++) layers_->push_back(CrissCrossLayer(config));
  if (with_projection)
    projection_ = register_module("proj_out", std::make_shared<Named>())
                      ->register_module("0", torch::nn::Linear(config.d_model, config.out_dim));
}

at::Tensor CbramodImpl::features(const at::Tensor& eeg, const at::Tensor& mask) {
  checkInput(owner_, eeg, layers_[0]->as<CrissCrossLayer>()->parameters().front(),
             {"batch", "channels", "patches", {config_.in_dim, "samples in a patch"}});
  if (mask.defined())
    checkFlags(owner_, mask, {{eeg.size(0), "batch"}, {eeg.size(1), "channels"}, {eeg.size(2), "patches"}});
  auto x = patch_embedding_->forward(eeg, mask);
  for (const auto& layer : *layers_) x = layer->as<CrissCrossLayer>()->forward(x);
  return x;
}

std::vector<at::Tensor> CbramodImpl::run(const std::vector<at::Tensor>& inputs) {
  const auto x = features(inputs.at(0), inputs.at(1));
  return {x, project(x)};
}

CbramodClassifierImpl::CbramodClassifierImpl(const CbramodClassifierConfig& config) : config_(config) {
  const OptionCheck options("cbramod_classifier");
  checkWindowOptions(options, config);
  options.size("n_outputs", config.n_outputs);
  options.size("in_dim", config.encoder.in_dim);
  options.require(config.n_times % config.encoder.in_dim == 0, "n_times",
                  "a multiple of in_dim, " + std::to_string(config.encoder.in_dim), std::to_string(config.n_times));
  options.size("head_dim", config.head_dim.value_or(1));
  options.fraction("head_drop_prob", config.head_drop_prob);
  backbone_ = register_module("backbone", Cbramod(config.encoder, config.projection, "cbramod_classifier"));

  // The reference's first module reorders; the mean's pooling and flattening stand before its layer too.
  const bool mean = config.classifier.value == "avgpooling_patch_reps";
  const auto widths = headWidths(config);
  const auto classifier = register_module("classifier", std::make_shared<Named>());
  for (size_t i = 0; i + 1 < widths.size(); i++)
    head_.push_back(
        classifier->register_module(std::to_string(mean ? 3 : 3 * i + 1), torch::nn::Linear(widths[i], widths[i + 1])));
  dropout_ = register_module("dropout", Dropout(config.head_drop_prob));
}

at::Tensor CbramodClassifierImpl::forward(const at::Tensor& eeg) {
  checkWindows("cbramod_classifier", eeg, head_[0]->weight, config_);
  auto x = backbone_->features(eeg.unflatten(2, {-1, config_.encoder.in_dim}), {});
  if (config_.projection) x = backbone_->project(x);
  x = config_.classifier.value == "avgpooling_patch_reps" ? x.mean({1, 2}) : x.flatten(1);
  x = kernels::linear(x, head_[0]->weight, head_[0]->bias);
  for (size_t i = 1; i < head_.size(); i++) x = head_[i]->forward(dropout_->forward(kernels::elu(x)));
  return x;
}

std::unordered_map<std::string, std::string> CbramodClassifierImpl::olderNames() const {
  std::unordered_map<std::string, std::string> names;
  for (const auto& item : backbone_->named_parameters()) names[item.key()] = "backbone." + item.key();
  names["final_layer.1.weight"] = "classifier.1.weight";
  names["final_layer.1.bias"] = "classifier.1.bias";
  return names;
}

}  // namespace eegtorch
