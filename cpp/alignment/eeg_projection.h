// EEG tokens into the embedding space of a language model (the EEG-to-image design document's EEGProjection).
// Reference: test/oracle/models/eeg/eeg_projection.py. The published code (ManojKumarTiwari/eeg2image) leaves the layer
// norms out and names its parts proj.0 and proj.3.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "blocks/dropout.h"
#include "blocks/packed_linear.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct EegProjectionConfig {
  int64_t in_dim = 200;
  int64_t out_dim = 2048;
  int64_t n_tokens = 12;
  bool layer_norm = true;
  double drop_prob = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_dim", in_dim, "width of an EEG token");
    visit("out_dim", out_dim, "width of an embedding of the language model");
    visit("n_tokens", n_tokens, "tokens of a window; recorded, not used by the network");
    visit("layer_norm", layer_norm, "whether a layer norm follows each linear layer; not so in the published code");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class EegProjectionImpl : public ModelImpl {
 public:
  explicit EegProjectionImpl(const EegProjectionConfig& config = {});

  // tokens (batch, any number, in_dim) -> embeddings (batch, that number, out_dim)
  at::Tensor forward(const at::Tensor& tokens);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }
  std::unordered_map<std::string, std::string> olderNames() const override;

 private:
  EegProjectionConfig config_;
  std::optional<PackedLinear> linear1_, linear2_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};  // empty without layer_norm
  Dropout dropout_{nullptr};
};
TORCH_MODULE(EegProjection);

}  // namespace eegtorch
