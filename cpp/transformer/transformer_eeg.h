// A transformer encoder over the samples of a window, averaged over time (Vaswani et al. 2017, NeurIPS). Reference:
// test/oracle/models/eeg/transformer_eeg.py.
#pragma once

#include <torch/nn/modules/linear.h>

#include "blocks/attention.h"
#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

inline constexpr std::array kPositionalEncodings = {"sinusoidal", "none"};

struct TransformerEegConfig {
  int64_t n_chans = 64;
  int64_t n_outputs = 4;
  int64_t n_times = 128;
  int64_t d_model = 256;
  int64_t n_heads = 8;
  int64_t n_layers = 4;
  int64_t feedforward_dim = 2048;
  TransformerActivation activation;
  OneOf<kPositionalEncodings> positional_encoding;
  double drop_prob = 0.1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("n_chans", n_chans, "EEG channels");
    visit("n_outputs", n_outputs, "classes");
    visit("n_times", n_times, "samples in a window");
    visit("d_model", d_model, "width of a token; even with sinusoids");
    visit("n_heads", n_heads, "attention heads, a divisor of d_model");
    visit("n_layers", n_layers, "encoder layers");
    visit("feedforward_dim", feedforward_dim, "width inside each layer's feed-forward part");
    visit("activation", activation, "nonlinearity of the feed-forward part");
    visit("positional_encoding", positional_encoding, "what tells the samples' order");
    visit("drop_prob", drop_prob, "dropout probability");
  }
};

class TransformerEegImpl : public ModelImpl {
 public:
  explicit TransformerEegImpl(const TransformerEegConfig& config = {});

  // eeg (batch, n_chans, n_times) -> logits (batch, n_outputs)
  at::Tensor forward(const at::Tensor& eeg);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  TransformerEegConfig config_;
  torch::nn::Linear embedding_{nullptr};
  TransformerEncoder transformer_{nullptr};
  torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(TransformerEeg);

}  // namespace eegtorch
