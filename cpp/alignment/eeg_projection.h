// EEG tokens into the embedding space of a language model (the EEG-to-image design document's EEGProjection).
// Reference: test/oracle/models/eeg/eeg_projection.py.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "blocks/dropout.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct EegProjectionConfig {
  int64_t in_dim = 200;
  int64_t out_dim = 2048;
  int64_t n_tokens = 12;
  double drop_prob = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_dim", in_dim, "width of an EEG token");
    visit("out_dim", out_dim, "width of an embedding of the language model");
    visit("n_tokens", n_tokens, "tokens of a window; recorded, not used by the network");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class EegProjectionImpl : public ModelImpl {
 public:
  explicit EegProjectionImpl(const EegProjectionConfig& config = {});

  // tokens (batch, any number, in_dim) -> embeddings (batch, that number, out_dim)
  at::Tensor forward(const at::Tensor& tokens);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  EegProjectionConfig config_;
  torch::nn::Linear linear1_{nullptr}, linear2_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(EegProjection);

}  // namespace eegtorch
