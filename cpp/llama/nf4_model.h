// NF4 as a network, for parity cases: a linear layer that is quantised in each run. Reference: bitsandbytes,
// functional.quantize_4bit and dequantize_4bit.
#pragma once

#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct Nf4Config {
  int64_t in_features = 64;
  int64_t out_features = 64;
  bool bias = false;
  int64_t blocksize = 64;
  bool double_quant = true;

  std::vector<std::string> outputs() const;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_features", in_features, "values that come in");
    visit("out_features", out_features, "values that go out");
    visit("bias", bias, "whether the layer has a bias");
    visit("blocksize", blocksize, "weights that share a scale");
    visit("double_quant", double_quant, "whether the scales are quantised too");
  }
};

class Nf4Impl : public ModelImpl {
 public:
  explicit Nf4Impl(const Nf4Config& config = {});

  // x (batch, in_features) -> the tensors of a checkpoint in four bits, the offset of the scales, the weights that they
  // stand for, and output (batch, out_features) computed with these.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;

 private:
  Nf4Config config_;
  at::Tensor weight_, bias_;
};
TORCH_MODULE(Nf4);

}  // namespace eegtorch
